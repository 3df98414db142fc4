// A value of two slots: whoever reads it gets a whole one, and the last, whatever becomes of those who write.
//
// The steps are those of TwoSlots in client/include/memshare/two_slots.hpp, and of Value::update; each is one
// access to the shared memory. Writers take turns by the lock, which is a single step here (lock.pml has it
// in full), and is passed on from the dead sooner, later or never. Everybody goes on for as long as it likes,
// and a SIGKILL may come to one writer or to both at every step. In every order of steps:
//   - what a reader takes is whole, and is what had last been published when it looked at the version again;
//   - what a writer finds under the lock is that too, whoever died there before;
//   - readers come to their end, even if the lock stays with a dead writer for ever.
// (That a reader begins again takes a writer that has published meanwhile, so the dead and the slow cannot
// make it.)
//
// Memory is sequentially consistent here. C++ comes to the same by releasing and acquiring each word of a
// slot: whoever has read one of a newer value also sees the version that it came after.
//
// Two values do for all that there may be, as nobody looks into them. If a word could be of another value
// than it should, then also of one that is 1, while all others are 0.
//
// Each word BROKEN_... takes one precaution away; tests/model/run makes sure that spin finds that out.

// What lies in the memory: the lock, with its holder; of the version the lowest bit, and whether it is still
// what the reader has read before, as it only grows; and two slots of three words.
byte lock;
bit version;
bool version_moved;
bit slots[6];
#define word(slot, number) slots[(slot) * 3 + number]
#define holds(slot, value) (word(slot, 0) == value && word(slot, 1) == value && word(slot, 2) == value)

// What the kernel knows.
chan kill = [0] of { byte };

// What the broker knows: whose end it has to deal with.
bool ended[3];

// What nobody knows; for the checks.
bit published;

inline copy_in(slot) {
    word(slot, 0) = changed;
    word(slot, 1) = changed;
    word(slot, 2) = changed
}

inline store_version() {
    atomic {
        version = next;
        version_moved = true;
        published = changed
    }
}

// TwoSlots::publish, from the version that has been read
inline publish() {
#if defined(BROKEN_PUBLISH_FIRST)
    store_version();
    copy_in(next);
#elif defined(BROKEN_ONE_SLOT)
    copy_in(!next);
    store_version();
#else
    copy_in(next);
    store_version();
#endif
}

// Value::update. What it makes of the old value is all the same, but a whole one it has to be.
proctype Writer(byte me) {
    bit next, changed;

    {
end:
        do
        :: break
#if defined(BROKEN_NO_LOCK)
        :: next = !version;
#elif defined(BROKEN_VERSION_BEFORE_THE_LOCK)
        :: next = !version;
end_without_lock:
            atomic { lock == 0 -> lock = me };
#else
        :: atomic { lock == 0 -> lock = me };
            next = !version;
#endif
            atomic {
                assert(holds(!next, published));
                if
                :: changed = 0
                :: changed = 1
                fi
            };
            publish();
            atomic { lock = 0; next = 0; changed = 0 }
        od
    } unless {
        atomic { kill?eval(me) -> next = 0; changed = 0; ended[me] = true }
    }
}

// What a reader knows goes with the value, so that equal states are seen to be equal.
inline forget() {
    slot = 0;
    copy[0] = 0;
    copy[1] = 0;
    copy[2] = 0;
    version_moved = true
}

inline take() {
    assert(copy[0] == copy[1] && copy[1] == copy[2]);
#ifndef BROKEN_NO_SECOND_LOOK // it may well take an older one, but may it take a torn one?
    assert(copy[0] == published);
#endif
    forget();
    break
}

// TwoSlots::load
inline load() {
    atomic { slot = version; version_moved = false };
    do
    :: copy[0] = word(slot, 0);
        copy[1] = word(slot, 1);
#if defined(BROKEN_SECOND_LOOK_TOO_EARLY)
        looked = version_moved;
        copy[2] = word(slot, 2);
        atomic {
            if
            :: !looked -> take()
            :: else -> slot = version; version_moved = false
            fi
        }
#elif defined(BROKEN_NO_SECOND_LOOK)
        atomic { copy[2] = word(slot, 2); take() }
#else
        copy[2] = word(slot, 2);
        atomic {
            if
            :: !version_moved -> take()
            :: else -> slot = version; version_moved = false
            fi
        }
#endif
    od
}

proctype Reader() {
    bit slot, copy[3];
#ifdef BROKEN_SECOND_LOOK_TOO_EARLY
    bool looked;
#endif

    do
    :: break
    :: load()
    od
}

proctype Broker() {
end:
    do
    :: break
    :: atomic { ended[1] -> lock = (lock == 1 -> 0 : lock); ended[1] = false }
    :: atomic { ended[2] -> lock = (lock == 2 -> 0 : lock); ended[2] = false }
    od
}

proctype Killer() {
end:
    do
    :: kill!1
    :: kill!2
    od
}

// All has come to rest when nobody can make another step. It is spin that looks for a reader that should and
// cannot: if it is not at its end then, that is "an invalid end state".
init {
    atomic {
        run Killer();
        run Broker();
        run Writer(1);
        run Writer(2);
        run Reader()
    };
    timeout;
    assert(holds(version, published))
}
