# Dependencies run strictly downward (docs/ARCHITECTURE.md): each folder may include only what its row allows, and each third-party header stands in
# at most two files. Reads the real #include lines.
cmake_minimum_required(VERSION 3.22)

# room (a folder and what is below it) -> headers that it may include; the longest room that a file stands in counts
set(request "traces/request\\.h$")
set(rooms
  "base: base/"
  "traces: base/|traces/"
  "measure: base/|measure/"
  "models: base/|models/"
  "kernels: base/|measure/|kernels/[^/]+$|kernels/(formats|pack)/"
  "kernels/formats: base/|kernels/formats/"
  "kernels/pack: base/|kernels/(formats|pack)/"
  "kernels/bench: base/|measure/|kernels/[^/]+$|kernels/(formats|pack|bench)/"
  "kernels/x86: base/|kernels/[^/]+$|kernels/(formats|pack|x86)/"
  "kernels/arm: base/|kernels/[^/]+$|kernels/(formats|pack|arm)/"
  "imports: base/|measure/|imports/"
  "sim: base/|${request}|sim/"
  "sim/network: base/|sim/model\\.h$|sim/network/"
  "engine: base/|measure/|models/|kernels/|engine/"
  "econ: base/|sim/(model|result)\\.h$|econ/"
  "scenarios/catalog: base/|models/|sim/model\\.h$|scenarios/catalog/"
  "scenarios/language: base/|traces/|measure/|sim/model\\.h$|sim/routing/policies\\.inc$|scenarios/(catalog|language)/"
  "scenarios/profile: base/|sim/model\\.h$|scenarios/(catalog|language|profile)/"
  "scenarios/resolve: base/|traces/|measure/|sim/(model|quality|frontier)\\.h$|scenarios/"
  "endpoint: base/|traces/|endpoint/"
  "reports: base/|econ/|sim/(model|quality|record|result)\\.h$|sim/counters\\.inc$|reports/"
  "live: base/|traces/|measure/|kernels/|imports/|engine/|sim/|scenarios/|endpoint/|reports/(table|gnuplot)\\.h$|live/"
  "study: base/|traces/|measure/|imports/|sim/|econ/|scenarios/|reports/|study/"
  "app: [a-z0-9]+/")

set(third_party "yaml.h|jansson.h|csv.h|zlib.h|cblas.h|curl/curl.h|sqlite3.h")
set(violations "")
set(n_files 0)

# The rows of the table that `source` stands below, the longest last: sets room and allowed.
function(find_room source)
  set(best "")
  foreach(row IN LISTS rooms)
    string(REGEX MATCH "^[^:]+" name "${row}")
    string(LENGTH "${name}" length)
    string(LENGTH "${best}" best_length)
    if(source MATCHES "^${name}/" AND length GREATER best_length)
      set(best "${name}")
      string(REGEX REPLACE "^[^:]+: " "" allowed "${row}")
    endif()
  endforeach()
  set(room "${best}" PARENT_SCOPE)
  set(allowed "^(${allowed})" PARENT_SCOPE)
endfunction()

foreach(folder IN LISTS ROOMS)
  file(GLOB_RECURSE sources RELATIVE "${ROOT}" "${ROOT}/${folder}/*.c" "${ROOT}/${folder}/*.h" "${ROOT}/${folder}/*.inc")
  foreach(source IN LISTS sources)
    math(EXPR n_files "${n_files} + 1")
    find_room("${source}")
    if(room STREQUAL "")
      list(APPEND violations "${source}: stands in no room of the table")
    endif()
    file(STRINGS "${ROOT}/${source}" lines REGEX "^[ \t]*#[ \t]*include")
    foreach(line IN LISTS lines)
      if(line MATCHES "\"([^\"]+)\"")
        set(header "${CMAKE_MATCH_1}")
        if(NOT header MATCHES "${allowed}")
          list(APPEND violations "${source}: ${room}/ may not include \"${header}\"")
        endif()
      elseif(line MATCHES "<([^>]+)>")
        set(header "${CMAKE_MATCH_1}")
        if(header MATCHES "^(${third_party})$")
          string(MAKE_C_IDENTIFIER "${header}" id)
          list(APPEND users_${id} "${source}")
        endif()
      endif()
    endforeach()
  endforeach()
endforeach()

string(REPLACE "|" ";" headers "${third_party}")
foreach(header IN LISTS headers)
  string(MAKE_C_IDENTIFIER "${header}" id)
  list(LENGTH users_${id} n)
  if(n GREATER 2)
    list(APPEND violations "<${header}> stands in ${n} files (two at most): ${users_${id}}")
  endif()
endforeach()

if(n_files EQUAL 0)
  message(FATAL_ERROR "no source file under ${ROOT}: nothing was checked")
endif()
if(violations)
  list(JOIN violations "\n  " text)
  message(FATAL_ERROR "include rules broken:\n  ${text}")
endif()
message(STATUS "${n_files} files keep the include rules")
