# The libraries, each found once. libcsv has neither a pkg-config file nor a CMake package.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(GSL REQUIRED IMPORTED_TARGET gsl)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.13)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.22)
pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas)
pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)

find_path(CSV_INCLUDE_DIR csv.h REQUIRED)
find_library(CSV_LIBRARY csv REQUIRED)
add_library(ts_libcsv INTERFACE)
target_include_directories(ts_libcsv SYSTEM INTERFACE "${CSV_INCLUDE_DIR}")
target_link_libraries(ts_libcsv INTERFACE "${CSV_LIBRARY}")

find_library(M_LIBRARY m)
add_library(ts_libm INTERFACE)
if(M_LIBRARY)
  target_link_libraries(ts_libm INTERFACE "${M_LIBRARY}")
endif()

# No library path in a program whose libraries the system's loader finds by itself. Otherwise (a prefix of one's own) their folders, the same
# in the build tree and installed: CMake's usual build path ends in an empty entry, which means the folder a user happens to stand in.
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
if(NOT CMAKE_CROSSCOMPILING)
  set(ts_loader_libraries "${CSV_LIBRARY}" ZLIB::ZLIB PkgConfig::GSL PkgConfig::JANSSON PkgConfig::YAML PkgConfig::CURL PkgConfig::SQLITE PkgConfig::OPENBLAS)
  file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/loader.c" "int main(void) { return 0; }\n")
  try_run(TS_LOADER_STATUS TS_LOADER_BUILT "${CMAKE_CURRENT_BINARY_DIR}/loader" "${CMAKE_CURRENT_BINARY_DIR}/loader.c"
          CMAKE_FLAGS -DCMAKE_SKIP_RPATH=ON LINK_OPTIONS "LINKER:--no-as-needed" LINK_LIBRARIES ${ts_loader_libraries})
  if(NOT TS_LOADER_BUILT OR NOT TS_LOADER_STATUS STREQUAL "0")
    set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
  endif()
endif()
