// Replaces operator new for the whole program, the library in it as well, so that it can fail.
#pragma once

namespace memshare::test {

// Of this thread's allocations the nth from here, counted from 0, fails, and those after it do not.
void let_allocation_fail(int nth);

// Whether it has failed; if not, it will not.
bool let_no_allocation_fail();

} // namespace memshare::test
