# The Debian packages, one of each component, by CPack: `./dev packages` makes them of the release build.
set(debian ${CMAKE_CURRENT_LIST_DIR})

# The version is that of the newest entry in the changelog.
file(STRINGS ${debian}/changelog newest LIMIT_COUNT 1)
if(NOT newest MATCHES "^memshare \\(${PROJECT_VERSION}-([0-9]+)\\)")
  message(FATAL_ERROR "${debian}/changelog begins with another version than ${PROJECT_VERSION}: ${newest}")
endif()
set(CPACK_DEBIAN_PACKAGE_RELEASE ${CMAKE_MATCH_1})
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${debian}/changelog ${PROJECT_SOURCE_DIR}/LICENSE)

# The licence as debian/copyright wants it: without its title and holder, which have fields of their own.
file(READ ${PROJECT_SOURCE_DIR}/LICENSE licence)
string(REGEX REPLACE "^.*Copyright \\(c\\) ([^\n]*)\n\n" "" licence "${licence}")
set(holder "${CMAKE_MATCH_1}")
string(STRIP "${licence}" licence)
string(REGEX REPLACE "\n\n" "\n.\n" licence "${licence}")
string(REPLACE "\n" "\n " licence "${licence}")
configure_file(${debian}/copyright.in copyright @ONLY)

# compress(source name): for the packages alone, so it is made when they are.
function(compress source name)
  install(CODE "execute_process(COMMAND gzip -9nc ${source} OUTPUT_FILE ${CMAKE_CURRENT_BINARY_DIR}/${name}.gz
                                COMMAND_ERROR_IS_FATAL ANY)"
          COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.gz DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/${component}
          COMPONENT ${component} EXCLUDE_FROM_ALL)
endfunction()
set(CPACK_COMPONENTS_ALL memshared libmemshare0 libmemshare-dev)
if(MEMSHARE_PYTHON)
  list(APPEND CPACK_COMPONENTS_ALL python3-memshare)
endif()
foreach(component ${CPACK_COMPONENTS_ALL})
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/copyright DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/${component}
          COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(FILES ${debian}/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/lintian/overrides RENAME ${component}
          COMPONENT ${component} EXCLUDE_FROM_ALL)
  compress(${debian}/changelog changelog.Debian)
  compress(${PROJECT_SOURCE_DIR}/CHANGELOG.md changelog)
  # Debian has its manual pages compressed. (What is in this folder is installed after all others.)
  install(CODE "file(GLOB pages \$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_MANDIR}/man*/*.[1-9])
                if(pages)
                  execute_process(COMMAND gzip -9n \${pages} COMMAND_ERROR_IS_FATAL ANY)
                endif()"
          COMPONENT ${component} EXCLUDE_FROM_ALL)
endforeach()
# Where the daemon looks; `cmake --install` leaves /etc to whoever administers it.
install(FILES ${PROJECT_SOURCE_DIR}/daemon/memshared.conf DESTINATION /etc/memshare
        COMPONENT memshared EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each has its own
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PROJECT_CONFIG_FILE ${debian}/depends.cmake)
set(CPACK_POST_BUILD_SCRIPTS ${debian}/library.cmake)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SOURCE memshare)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "The memshare developers <developers@memshare.io>")
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY >=)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_MEMSHARED_PACKAGE_NAME memshared)
set(CPACK_DEBIAN_MEMSHARED_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_MEMSHARED_DESCRIPTION "shared memory with an owner: the broker and its tool
memshared makes shared-memory segments, hands them to the programs that may
have them, and ends them when their time has come: with the process that made
them, with their last user, or when they are destroyed. It is started by the
first program that connects, and is not on the data path.

memsharectl shows which segments there are, whose they are and who holds their
locks, and reads and writes them from the shell.")
file(GLOB CPACK_DEBIAN_MEMSHARED_PACKAGE_CONTROL_EXTRA ${debian}/memshared/*)

set(CPACK_DEBIAN_LIBMEMSHARE0_PACKAGE_NAME libmemshare0)
set(CPACK_DEBIAN_LIBMEMSHARE0_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBMEMSHARE0_PACKAGE_CONTROL_EXTRA ${debian}/libmemshare0/triggers)
set(CPACK_DEBIAN_LIBMEMSHARE0_DESCRIPTION "shared memory with an owner: the library
libmemshare gives programs typed values and arrays in shared memory, each with
a lock that passes on when its holder is killed. A broker, memshared, owns the
memory and ends it.

This package has the library that programs need to run.")

set(CPACK_DEBIAN_LIBMEMSHARE-DEV_PACKAGE_NAME libmemshare-dev)
set(CPACK_DEBIAN_LIBMEMSHARE-DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBMEMSHARE-DEV_DESCRIPTION "shared memory with an owner: the headers
libmemshare gives programs typed values and arrays in shared memory, each with
a lock that passes on when its holder is killed. A broker, memshared, owns the
memory and ends it.

This package has what programs need to be built: headers for C++20, and what
CMake and pkg-config ask for.")

set(CPACK_DEBIAN_PYTHON3-MEMSHARE_PACKAGE_NAME python3-memshare)
set(CPACK_DEBIAN_PYTHON3-MEMSHARE_PACKAGE_SECTION python)
file(GLOB CPACK_DEBIAN_PYTHON3-MEMSHARE_PACKAGE_CONTROL_EXTRA ${debian}/python3-memshare/*)
set(CPACK_DEBIAN_PYTHON3-MEMSHARE_PACKAGE_SUGGESTS "python3-numpy")
set(CPACK_DEBIAN_PYTHON3-MEMSHARE_DESCRIPTION "shared memory with an owner: the Python package
memshare gives Python the objects of multiprocessing.Value and Array between
any processes: by their names, with waits, asyncio and numpy, and the same
values in C++. A broker, memshared, owns the memory and ends it.")

include(CPack)
