// A thread finds out without the lock whether it has the lock already, and is never wrong about it.
//
// The steps are those of Mutex::is_held in client/include/memshare/mutex.hpp, and of locking and unlocking
// around it; each is one access to the shared memory. Two threads of one process and one of another lock,
// lock again, unlock, and ask, for as long as they like. How they wait for each other is in lock.pml.
//
// Between any two looks the lock may pass from another thread of the process to another process. So is_held
// looks once, and what a thread writes into owner is its own among the threads of all processes. And it is not
// 0, which stands there while the lock is being taken.
//
// At the start a holder may have died. The word then says so until a thread that holds the lock has asked, however
// often it has locked; the thread is told once, and no thread that does not hold the lock is told anything.
//
// Each word BROKEN_... takes one precaution away; tests/model/run makes sure that spin finds that out.

// What a thread of a process writes into owner, both counted from 1. (Mutex::owner_of)
#ifdef BROKEN_NUMBERS_OF_EACH_PROCESS
#define number_of(process, thread) (thread)
#else
#define number_of(process, thread) ((process) * 2 + (thread))
#endif

// What lies in the memory. The word is the holder's id and the died bit.
#define died_bit 4
byte word;
byte owner;
byte depth;

// What nobody knows; for the checks.
byte holding; // which thread has the lock; 0: none
bool died;    // whether a holder died, and no holder has been told since

// Mutex::is_held. What it says is true of the asking thread at any time from then on.
inline is_held() {
    atomic {
#ifdef BROKEN_ASKED_BEFORE_IT_HAS_A_NUMBER
        held = (owner == number)
#else
        held = (number != 0 && owner == number)
#endif
    };
    assert(held == (holding == self))
}

// Mutex::unlock, by a thread that has it
inline unlock() {
    is_held();
    if
    :: atomic { depth > 1 -> depth--; locks-- }
    :: depth == 1 ->
        depth = 0;
        owner = 0;
        atomic { word = word & died_bit; holding = 0; locks-- }
    fi
}

// Mutex::recovered, when the broker answers
inline recovered() {
#ifdef BROKEN_ASKED_WITHOUT_THE_LOCK
    held = true;
#else
    is_held();
#endif
    if
    :: held && (word & died_bit) ->
        atomic {
            assert(holding == self && died);
            died = false;
            word = word & ~died_bit
        }
    :: else -> assert(!died || !held)
    fi
}

// Mutex::lock, or Mutex::try_lock_for, of which either may come to nothing.
inline lock() {
    number = number_of(process, thread);
    is_held();
    if
    :: atomic { held -> depth++; locks++ }
    :: atomic {
        !held && (word & ~died_bit) == 0 ->
        word = word | process;
        assert(holding == 0);
        holding = self
    };
        owner = number;
        depth = 1;
        locks++
    :: !held
    fi
}

proctype Thread(byte process; byte thread) {
    byte self = process * 2 + thread;
    byte number; // 0 until it first locks
    byte locks;  // that it has to take back
    bool held;

    do
    :: locks == 0 -> break
    :: locks > 0 -> unlock()
    :: locks < 2 -> lock()
    :: is_held()
    :: recovered()
    od
}

init {
    atomic {
        if
        :: word = died_bit; died = true
        :: true
        fi;
        run Thread(1, 1);
        run Thread(1, 2);
        run Thread(2, 1)
    };
    timeout;
    assert(word == (died -> died_bit : 0) && owner == 0 && depth == 0)
}
