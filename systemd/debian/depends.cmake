# What the packages ask of each other, in the version that they are made in: CPack reads this when it makes them.
set(version ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
set(CPACK_DEBIAN_MEMSHARED_PACKAGE_DEPENDS "adduser, libmemshare0 (>= ${version})")
# The compiled core is of the Python that it was built for.
set(CPACK_DEBIAN_PYTHON3-MEMSHARE_PACKAGE_DEPENDS
    "libmemshare0 (>= ${version}), python3 (>= 3.11), python3 (<< 3.12)")
set(CPACK_DEBIAN_LIBMEMSHARE-DEV_PACKAGE_DEPENDS "libmemshare0 (= ${version})")
