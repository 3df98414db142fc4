// The lock word and everybody who touches it, with a SIGKILL at every step of every one of them.
//
// The steps are those of proto/abi/lock_word.hpp and of Mutex in client/src/mutex.cpp. Each is one access to
// the shared memory or one system call; what a process does for itself goes with the access before it. Three
// clients go on for as long as they like, and two of them may be killed, and the broker as often as you
// please. In every order of steps:
//   - no two living clients have the lock;
//   - the died bit is on the word whenever a holder has died and no holder has been told since, whatever locks,
//     releases, waits and failed waits have come between, and never else;
//   - owner and depth are zero whenever it is free;
//   - when all has come to rest, it is free, and no living client sleeps on it.
// Memory is sequentially consistent here. All that is decided is decided by the one word, so acquire and
// release are enough in C++ for what stands beside it.
//
// Each word BROKEN_... takes one precaution away; tests/model/run makes sure that spin finds that out.

#define holder_bits 3
#define died_bit 4
#define waiting_bit 8
#define holder_of(w) ((w) & holder_bits)

#define BROKER 0 // and a client is its holder id: 1, 2 or 3

// What lies in the memory.
byte word;
byte owner; // each client has one thread, with a number of its own
bit depth;

// What the kernel knows.
bool asleep[4];
chan kill = [0] of { byte };

// What the broker's ledger says: whose recovery is not done yet.
bool ended[4];

// What nobody knows; for the checks.
byte holding;      // the living client that has the lock
bool died_holding; // whether a holder died, and no holder has been told since

// abi::futex_wake_one. Which of the sleepers it is, is anybody's guess.
inline futex_wake_one() {
    if
    :: asleep[1] -> asleep[1] = false
    :: asleep[2] -> asleep[2] = false
    :: asleep[3] -> asleep[3] = false
    :: else
    fi
}

// What a client knows goes with its round, so that equal states are seen to be equal.
inline forget() {
    seen = 0;
    waiting = 0;
    has_deadline = false
}

inline has_taken() {
    assert(holding == 0);
    assert(died_holding == ((word & died_bit) != 0));
    assert(owner == 0 && depth == 0);
    holding = me;
    forget()
}

// abi::take_unused
inline take_unused() {
    atomic {
        if
        :: word == 0 ->
            word = me;
            has_taken();
            goto taken
        :: else
        fi
    }
}

// abi::take_free, for a lock that was seen free
inline take_free() {
    if
    :: word == seen ->
        word = seen | me | waiting;
#ifdef BROKEN_TAKER_FORGETS_THE_DEATH
        word = word & ~died_bit;
#endif
        has_taken();
        goto taken
    :: else ->
        seen = word;
        goto again
    fi
}

// abi::mark_waiting, for a lock that was seen held. Where the bit is set already, it looks at nothing.
inline mark_waiting() {
    if
    :: seen & waiting_bit
    :: !(seen & waiting_bit) && word == seen ->
        seen = seen | waiting_bit;
        word = seen
    :: else ->
        seen = word;
        goto again
    fi
}

// abi::release. After the exchange the lock is free, and its last holder may die before it wakes anybody.
inline release() {
    seen = me;
    do
#ifdef BROKEN_RELEASE_IN_TWO_STEPS
    :: word == seen ->
#else
    :: atomic {
        word == seen ->
#endif
#ifdef BROKEN_RELEASE_FORGETS_THE_DEATH
        word = 0;
#else
        word = seen & died_bit;
#endif
        holding = 0;
        if
        :: seen & waiting_bit
        :: else -> forget(); goto unlocked
        fi;
        break
#ifndef BROKEN_RELEASE_IN_TWO_STEPS
    }
#endif
    :: atomic { word != seen -> seen = word; assert(holder_of(seen) == me) }
    od;
#ifndef BROKEN_RELEASE_WAKES_NOBODY
    atomic { futex_wake_one(); forget() }
#endif
}

// Mutex::recovered, by the holder, which the broker answers or not. abi::clear_died is the step in which the
// holder has been told.
inline ask_who_died() {
#ifdef BROKEN_CLEARED_BEFORE_IT_IS_TOLD
    word = word & ~died_bit;
#endif
    if
    :: atomic { word = word & ~died_bit; died_holding = false } // clear_died
    :: true
    fi
}

// abi::futex_wait, and the look at the word of who is back from it. Of its own accord only a client with a
// deadline comes back, and at any moment: so it stands for a client that a signal woke as well.
inline futex_wait() {
    atomic {
        if
#ifdef BROKEN_SLEEP_WITHOUT_A_LOOK
        :: asleep[me] = true
#else
        :: word == seen -> asleep[me] = true
        :: else
#endif
        fi
    };
    do
    :: atomic { asleep[me] && has_deadline -> asleep[me] = false }
    :: atomic {
        !asleep[me] ->
#ifndef BROKEN_TAKE_WITHOUT_BIT
        waiting = waiting_bit;
#endif
        seen = word;
        break
    }
    od
}

// Mutex::lock_slowly, without its bounded spinning. (What Mutex::try_lock does is how this begins.)
inline lock_slowly() {
    seen = word;
again:
    do
    :: atomic { holder_of(seen) == 0 -> take_free() }
    :: atomic {
        holder_of(seen) != 0 ->
#ifdef BROKEN_GIVE_UP
        if
        :: has_deadline -> forget(); goto unlocked
        :: true
        fi;
#endif
        mark_waiting();
        if
        :: has_deadline -> forget(); goto unlocked // whoever releases wakes one
        :: true
        fi
    };
    futex_wait()
    od
}

proctype Client(byte me) {
    byte seen, waiting;
    bool has_deadline;

unlocked:
    {
        do
        :: break // whenever it likes
        :: atomic {
            if
            :: has_deadline = true  // try_lock_for
            :: has_deadline = false // lock
            fi;
            take_unused()
        };
        lock_slowly();
taken:
        owner = me;
        depth = 1;
        if
        :: word & died_bit -> ask_who_died()
        :: true // it asks nothing, as those do that take the lock for a single store
        fi;
        atomic { assert(holding == me && owner == me); depth = 0 };
        owner = 0;
        release()
        od
    } unless {
        atomic {
            kill?eval(me) ->
            asleep[me] = false;
            if
            :: holding == me -> holding = 0; died_holding = true
            :: else
            fi;
            forget();
            ended[me] = true
        }
    }
}

// abi::recover, from its first look at the word on.
inline recover() {
    do
#ifdef BROKEN_RECOVERY_FROM_ANYBODY
    :: holder_of(seen) != 0 ->
#else
    :: holder_of(seen) == dead ->
#endif
#ifndef BROKEN_RECOVERY_CLEANS_UP_LATE
        owner = 0;
        depth = 0;
#endif
        atomic {
            if
            :: word == seen ->
#ifdef BROKEN_RECOVERY_HIDES_THE_DEATH
                word = seen & waiting_bit;
#else
                word = died_bit | (seen & waiting_bit);
#endif
                break
            :: seen = word // it was another one, or this happened for no reason, as it may
            fi
        }
#if defined(BROKEN_NO_WAKE_AFTER_DEATH_OF_A_WAITER)
    :: else -> goto recovered
#elif defined(BROKEN_RECOVERY_CLEANS_UP_LATE)
    :: else -> goto wake
#else
    :: else -> break
#endif
    od;
#ifdef BROKEN_RECOVERY_CLEANS_UP_LATE
    owner = 0;
    depth = 0;
wake:
#endif
#ifndef BROKEN_NO_WAKE_AFTER_DEATH
    atomic { futex_wake_one() };
#endif
}

// The broker passes on what the dead have left, one after the other. If it is killed at that, its successor
// begins again with all that the ledger has not crossed out.
proctype Broker() {
    byte dead, seen;

end:
    do
    :: atomic {
        if
        :: ended[1] -> dead = 1
        :: ended[2] -> dead = 2
        :: ended[3] -> dead = 3
        fi;
#ifdef BROKEN_LEDGER_CROSSES_OUT_FIRST
        ended[dead] = false;
#endif
        seen = word
    };
        {
            recover();
recovered:
            atomic { ended[dead] = false; dead = 0; seen = 0 }
        } unless {
            atomic { kill?BROKER -> dead = 0; seen = 0 }
        }
    od
}

// One client is left, who could sleep for ever. As they are all alike, the first to be killed may be called
// 1, and the second 2.
proctype KillerOfOne() {
end:
    kill!1
}
proctype KillerOfTwo() {
end:
    kill!1;
end_of_one:
    kill!2
}

proctype KillerOfTheBroker() {
end:
    do
    :: kill!BROKER
    od
}

// All has come to rest when nobody can make another step. It is spin that looks for those who should and
// cannot: a client that is not at its end then is "an invalid end state". How many are killed is settled
// first, or else a last kill would still come to the rescue of those who sleep.
init {
    atomic {
        run Client(1);
        run Client(2);
        run Client(3);
        run Broker();
        run KillerOfTheBroker();
        if
        :: run KillerOfOne()
        :: run KillerOfTwo()
        :: true
        fi
    };
    timeout;
    assert(holder_of(word) == 0 && owner == 0 && depth == 0);
    assert(died_holding == ((word & died_bit) != 0))
}
