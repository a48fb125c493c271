# Draws accuracy_scatter.svg and accuracy_scatter.png from accuracy_scatter.dat: gnuplot accuracy_scatter.gp
set encoding utf8
set terminal svg noenhanced size 780,440 font 'sans-serif,14' name 'chart_accuracy_scatter' background '#ffffff'
set output 'accuracy_scatter.svg'
set label 'Time per token: predicted without the model, against recorded' at screen 0.015,0.95 left font 'sans-serif,17' textcolor rgb '#333333'
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
set logscale xy
set grid xtics ytics linecolor rgb '#dddddd' linewidth 1 linetype 1
set xrange [1.5:400]
set yrange [1.5:400]
set xlabel 'recorded, ms'
set ylabel 'predicted, ms'
set key top left Left reverse
plot x with lines linecolor rgb '#333333' notitle, \
     x*1.25 with lines dashtype (4,3) linecolor rgb '#808080' title '25 % off', \
     x/1.25 with lines dashtype (4,3) linecolor rgb '#808080' notitle, \
     'accuracy_scatter.dat' index 0 using 1:2 with points pointtype 7 pointsize 0.35 linecolor rgb '#0072B2' title 'vllm-2025', \
     'accuracy_scatter.dat' index 1 using 1:2 with points pointtype 7 pointsize 0.35 linecolor rgb '#E69F00' title 'trtllm', \
     'accuracy_scatter.dat' index 2 using 1:2 with points pointtype 7 pointsize 0.35 linecolor rgb '#009E73' title 'vllm', \
     'accuracy_scatter.dat' index 3 using 1:2 with points pointtype 7 pointsize 0.35 linecolor rgb '#CC79A7' title 'sglang'
set terminal pngcairo noenhanced size 1560,880 font 'sans-serif,14' fontscale 1.5 linewidth 2 pointscale 2 background '#ffffff'
set output 'accuracy_scatter.png'
replot
set output
