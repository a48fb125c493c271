# Draws accuracy_batch.svg and accuracy_batch.png from accuracy_batch.dat: gnuplot accuracy_batch.gp
set encoding utf8
set terminal svg noenhanced size 780,440 font 'sans-serif,14' name 'chart_accuracy_batch' background '#ffffff'
set output 'accuracy_batch.svg'
set label 'Predicted without the model, over recorded, by concurrent users' at screen 0.015,0.95 left font 'sans-serif,17' textcolor rgb '#333333'
set tmargin 4
set rmargin 3
set border 3 linecolor rgb '#808080' linewidth 1
set tics nomirror out scale 0.6,0.3 textcolor rgb '#333333'
set format x '%g'
set xtics offset 0,0.2
set xlabel offset 0,0.4 textcolor rgb '#333333'
set ylabel textcolor rgb '#333333'
set grid ytics linecolor rgb '#dddddd' linewidth 1 linetype 1
set key below horizontal Left reverse spacing 1.2 samplen 2 textcolor rgb '#333333'
set style fill solid 1.0 noborder
set logscale xy 2
set grid xtics ytics linecolor rgb '#dddddd' linewidth 1 linetype 1
set xlabel 'concurrent users (bars: from the 10th to the 90th percentile)'
set ylabel 'predicted over recorded'
set yrange [0.25:4]
set key top right
plot 1 with lines linecolor rgb '#333333' notitle, \
     'accuracy_batch.dat' index 0 using ($1*1):3:2:4 with yerrorbars pointtype 7 linecolor rgb '#0072B2' title 'time per token', \
     'accuracy_batch.dat' index 1 using ($1*1.15):3:2:4 with yerrorbars pointtype 7 linecolor rgb '#E69F00' title 'time to the first token'
set terminal pngcairo noenhanced size 1560,880 font 'sans-serif,14' fontscale 1.5 linewidth 2 pointscale 2 background '#ffffff'
set output 'accuracy_batch.png'
replot
set output
