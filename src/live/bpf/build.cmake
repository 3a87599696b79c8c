# SPDX-License-Identifier: Apache-2.0
# The BPF programs that `live` loads: compiled, and embedded, where WQPROF_BPF lets it.
set(bpf_missing)
if(WQPROF_BPF)
  find_program(BPF_CLANG clang)
  find_program(BPFTOOL bpftool PATHS /usr/sbin /sbin /usr/local/sbin)
  pkg_check_modules(BPF IMPORTED_TARGET libbpf>=0.8)
  foreach(needed BPF_CLANG BPFTOOL BPF_FOUND)
    if(NOT ${needed})
      list(APPEND bpf_missing ${needed})
    endif()
  endforeach()
  if(bpf_missing AND NOT WQPROF_BPF STREQUAL AUTO)
    message(FATAL_ERROR "WQPROF_BPF=ON needs clang, bpftool and libbpf; missing: ${bpf_missing}")
  endif()
endif()
if(WQPROF_BPF AND NOT bpf_missing)
  message(STATUS "BPF: the configuration of workqueues and what pools do are read by BPF programs")
  set(bpf_source ${PROJECT_SOURCE_DIR}/src/live/bpf)
  set(bpf_out ${CMAKE_CURRENT_BINARY_DIR}/bpf)
  file(MAKE_DIRECTORY ${bpf_out})
  # The headers of the kernel's interface lie where the C library's do, which is no place that clang
  # looks at for this target.  The linker of bpftool leaves out what is for debuggers.
  foreach(program workqueue_walk pool_look flush_waits)
    add_custom_command(OUTPUT ${bpf_out}/${program}.skel.h
      COMMAND ${BPF_CLANG} -g -O2 -target bpf -Wall -Wextra -Werror
        -ffile-prefix-map=${PROJECT_SOURCE_DIR}/= -fdebug-compilation-dir=.
        -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
        -c ${bpf_source}/${program}.bpf.c -o ${bpf_out}/${program}.compiled.o
      COMMAND ${BPFTOOL} gen object ${bpf_out}/${program}.o ${bpf_out}/${program}.compiled.o
      COMMAND ${BPFTOOL} gen skeleton ${bpf_out}/${program}.o name ${program}
        > ${bpf_out}/${program}.skel.h
      DEPENDS ${bpf_source}/${program}.bpf.c ${bpf_source}/kernel_types.h
        ${bpf_source}/flush_records.h ${bpf_source}/state_records.h ${bpf_source}/walk_lists.h ${bpf_source}/walk_records.h)
    target_sources(wqprof_live PRIVATE ${bpf_out}/${program}.skel.h)
  endforeach()
  target_include_directories(wqprof_live SYSTEM PRIVATE ${bpf_out})
  target_link_libraries(wqprof_live PRIVATE PkgConfig::BPF)
  if(WQPROF_STATIC)
    # What libbpf's archive asks for.
    find_library(elf_archive elf REQUIRED)
    target_link_libraries(wqprof_live PRIVATE ${elf_archive} PkgConfig::ZSTD ZLIB::ZLIB)
  endif()
  target_compile_definitions(wqprof_live PRIVATE WQPROF_BPF)
else()
  message(STATUS "BPF: left out; sysfs shows less of the configuration of workqueues")
endif()
