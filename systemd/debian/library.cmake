# CPack gives a package with a library scripts that run ldconfig. Debian's dpkg does that itself, once for all packages,
# by the trigger that ours has; so they are taken out of what CPack has made.
foreach(package IN LISTS CPACK_PACKAGE_FILES)
  if(package MATCHES "/libmemshare0_[^/]*$")
    set(unpacked ${CPACK_TEMPORARY_DIRECTORY}/libmemshare0-unpacked)
    file(REMOVE_RECURSE ${unpacked})
    execute_process(COMMAND dpkg-deb --raw-extract ${package} ${unpacked} COMMAND_ERROR_IS_FATAL ANY)
    file(REMOVE ${unpacked}/DEBIAN/postinst ${unpacked}/DEBIAN/postrm)
    file(READ ${unpacked}/DEBIAN/control control)
    string(STRIP "${control}" control)
    file(WRITE ${unpacked}/DEBIAN/control "${control}\nMulti-Arch: same\n") # a field that CPack does not know
    execute_process(COMMAND dpkg-deb --root-owner-group --build ${unpacked} ${package}
                    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  endif()
endforeach()
