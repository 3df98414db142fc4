// Waiting for a change, with a SIGKILL at every step: nobody who lives sleeps on past a change that stays.
//
// The steps are those of Changes in client/include/memshare/changes.hpp and of daemon/recovery.cpp. Each is
// one access to the shared memory or one system call; what a process does for itself goes with the access
// before it. Two writers and two waiters go on for as long as they like; any one of them may be killed, or
// both writers, and the broker as often as you please. One waiter waits for the value to become another one;
// the other does so too, or can only read, or waits for the version to move. (A value of two slots is waited
// for by its version. That is what "value" is then, and its writer leaves out the step that moves a small
// one's.)
//
// Memory is sequentially consistent here, and has to be so in C++: a writer stores the value and then looks
// at the flag, a waiter stores the flag and then looks at the value, and one of them has to see the other.
//
// Left out is that no sleep is longer than a second. That is for those whose death the broker cannot make
// good: a forked child that it has not heard of yet, and an exclusive writer, whose memory it cannot write.
//
// Each word BROKEN_... takes one precaution away; tests/model/run makes sure that spin finds that out.

#define BROKER 0
#define is_writer(who) ((who) <= 2) // 1 and 2 write, 3 and 4 wait

// What lies in the memory.
bool waiting;
byte watchers;

// And a value, a version and a signal. All that a waiter makes of each is whether it is still what was read
// before, so that is all there is of them here. The value may come back to that, the other two only grow. It
// is true while nobody asks.
bool value_moved[5] = true;
bool version_moved[5] = true;
bool signal_moved[5] = true;

// What the kernel knows.
bool asleep[5];
chan kill = [0] of { byte };

// What the broker's ledger says: who is counted in watchers, and whose end has not been dealt with yet.
bool counted[5];
bool ended[5];

inline store_value() {
    atomic {
        if
        :: value_moved[3] = false
        :: value_moved[3] = true
        fi;
        if
        :: value_moved[4] = false
        :: value_moved[4] = true
        fi
    }
}

inline move_version() {
    atomic { version_moved[3] = true; version_moved[4] = true }
}

inline move_signal() {
    atomic { signal_moved[3] = true; signal_moved[4] = true }
}

inline futex_wake_one() {
    atomic {
        if
        :: asleep[3] -> asleep[3] = false
        :: asleep[4] -> asleep[4] = false
        :: else
        fi
    }
}

inline futex_wake_all() {
    atomic { asleep[3] = false; asleep[4] = false }
}

// The look of Changes::announce. It is two looks, but each waiter counts on one of them only.
inline is_watched() {
    if
#ifdef BROKEN_READ_ONLY_IS_NOBODY
    :: waiting
    :: !waiting -> goto told
#else
    :: waiting || watchers != 0
    :: !waiting && watchers == 0 -> goto told
#endif
    fi
}

// Changes::announce
inline announce() {
#ifdef BROKEN_WRITER_LOOKS_FIRST
    if
    :: looked
    :: !looked -> goto told
    fi;
#else
    is_watched();
#endif

#if defined(BROKEN_FLAG_STAYS_UP_TOO_LONG)
    move_version();
#elif defined(BROKEN_VERSION_BEFORE_THE_FLAG)
    move_version();
    waiting = false;
#elif defined(BROKEN_VERSION_STAYS)
    waiting = false;
#else
    waiting = false;
    move_version();
#endif

#if defined(BROKEN_SIGNAL_STAYS)
    futex_wake_all();
#elif defined(BROKEN_WAKE_BEFORE_THE_SIGNAL)
    futex_wake_all();
    move_signal();
#elif defined(BROKEN_WAKE_ONE)
    move_signal();
    futex_wake_one();
#else
    move_signal();
    futex_wake_all();
#endif

#ifdef BROKEN_FLAG_STAYS_UP_TOO_LONG
    waiting = false;
#endif
}

// Changes::notify_all, once it has moved the version: it is announced as every change is, and so moves the version
// again if somebody is there. That is for those who raise the flag between the two.
inline notify_all() {
#ifdef BROKEN_NOTIFICATION_MOVES_THE_VERSION_ONCE
    is_watched();
    waiting = false;
    move_signal();
    futex_wake_all()
#else
    announce()
#endif
}

proctype Writer(byte me) {
#ifdef BROKEN_WRITER_LOOKS_FIRST
    bool looked;
#endif

told:
    {
        do
        :: break
        :: atomic { move_version(); goto notify }
#ifdef BROKEN_WRITER_LOOKS_FIRST
        :: looked = waiting || watchers != 0; store_value(); announce(); goto told
#else
        :: store_value(); announce(); goto told
#endif
        od;
        goto over;
notify:
        notify_all();
        goto told;
over:
        skip
    } unless {
        atomic { kill?eval(me) -> ended[me] = true }
    }
}

inline forget() {
    value_moved[me] = true;
    version_moved[me] = true;
    signal_moved[me] = true
}

// What Changes::arm begins with
inline read_signal() {
    signal_moved[me] = false
}

// Changes::arm, from there on
inline arm() {
    if
    :: !read_only -> waiting = true
    :: read_only && !counted[me] -> atomic { counted[me] = true; watchers++ } // by the broker, and only once
    :: read_only && counted[me]
    fi
}

inline look() {
    atomic {
        if
        :: (by_version -> version_moved[me] : value_moved[me]) -> forget(); goto changed
        :: else
        fi
    }
}

// abi::futex_wait, and what follows it
inline futex_wait() {
    atomic {
        if
        :: !signal_moved[me] -> signal_moved[me] = true; asleep[me] = true
        :: else
        fi
    };
end:
    atomic { !asleep[me] -> read_signal() }
}

// Who is going to wait for the version reads it first and then sets the flag: any change after that moves the
// version. Otherwise an earlier one could take the flag down again, and move the version before it is read.
proctype Waiter(byte me; bool by_version; bool read_only) {
changed:
    {
        do
        :: atomic { !by_version -> value_moved[me] = false; goto wait_slowly }
#ifdef BROKEN_VERSION_AFTER_THE_FLAG
        :: by_version -> arm(); version_moved[me] = false; break
#else
        :: atomic { by_version -> version_moved[me] = false }; arm(); break // Changes::attend
#endif
        od;
        value_moved[me] = false;
wait_slowly:
        read_signal();
        do
#if defined(BROKEN_SIGNAL_READ_LATE)
        :: arm(); look(); read_signal(); futex_wait()
#elif defined(BROKEN_WAITER_LOOKS_FIRST)
        :: look(); read_signal(); arm(); futex_wait()
#else
        :: arm(); look(); futex_wait()
#endif
        od
    } unless {
        atomic { kill?eval(me) -> asleep[me] = false; forget(); ended[me] = true }
    }
}

// wake_waiters of daemon/recovery.cpp. (It is done for a dead waiter too, which nobody here needs.)
inline wake_waiters() {
#ifndef BROKEN_RECOVERY_LEAVES_THE_VERSION
    move_version();
#endif
#ifndef BROKEN_RECOVERY_LEAVES_THE_SIGNAL
    move_signal();
#endif
#ifndef BROKEN_NO_WAKE_AFTER_DEATH
    futex_wake_all()
#endif
}

// If the broker is killed, its successor begins again with all that the ledger has not crossed out.
proctype Broker() {
    byte dead;

end:
    do
    :: atomic {
        if
        :: ended[1] -> dead = 1
        :: ended[2] -> dead = 2
        :: ended[3] -> dead = 3
        :: ended[4] -> dead = 4
        fi;
        if
        :: is_writer(dead)
        :: else -> goto woken
        fi
    };
        {
            wake_waiters();
woken:
            atomic {
                if
                :: counted[dead] -> counted[dead] = false; watchers--
                :: else
                fi;
                ended[dead] = false;
                dead = 0
            }
        } unless {
            atomic { kill?BROKER -> dead = 0 }
        }
    od
}

// One waiter is left at least, who could sleep for ever. As the writers are alike, the first of them to be
// killed may be called 1.
proctype KillerOfOne() {
end:
    if
    :: kill!1
    :: kill!3
    :: kill!4
    fi
}
proctype KillerOfBothWriters() {
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

// All has come to rest when nobody can make another step. Waiters may be asleep then, but have to be right in
// it. How many are killed is settled first, or else a last kill would still come to the rescue of those who
// sleep.
init {
    atomic {
        if
        :: run KillerOfOne()
        :: run KillerOfBothWriters()
        :: true
        fi;
        run KillerOfTheBroker();
        run Broker();
        run Writer(1);
        run Writer(2);
        run Waiter(3, false, false);
        if
        :: run Waiter(4, true, false)
        :: run Waiter(4, false, true)
        :: run Waiter(4, false, false)
        fi
    };
    timeout;
    assert(!asleep[3] || !value_moved[3]);
    assert(!asleep[4] || !value_moved[4])
}
