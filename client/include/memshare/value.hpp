// One typed value that several processes share.
#pragma once

#include <memshare/at_once.hpp>
#include <memshare/element.hpp>
#include <memshare/padding.hpp>
#include <memshare/segment.hpp>
#include <memshare/two_slots.hpp>
#include <memshare/watch.hpp>

#include <chrono>
#include <concepts>
#include <cstring>
#include <mutex>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace memshare {

// Value<T> is read and written, Value<const T> only read: it is mapped read-only, which the kernel enforces.
// A handle is this process's attachment: it can be moved, and its end detaches. A moved-from handle is
// empty: it may be assigned to and destroyed, and nothing else. All processes see every store whole and in
// one order (as sequentially consistent atomics), whoever is killed when.
//
// A value of 1, 2, 4 or 8 bytes is an atomic: what is done with it never waits, nor looks at the lock. A
// larger one is read without waiting as well; store() and update() take its lock, and happen wholly or not at
// all. Values are compared byte for byte, the padding of a struct aside; it is stored as zeros. (clang 19
// cannot clear padding: there compare_exchange() of a struct that has some does not compile, and wait(old)
// compares it as well.) In a forked child the first of them calls the broker, and throws what such a call may
// throw.
template <typename T> class Value {
    static_assert(
        std::is_trivially_copyable_v<T>,
        "memshare: Value<T> needs a T whose bytes are all there is to it. A std::string, a container or a "
        "smart pointer keeps its contents in private memory that other processes cannot see: share text as "
        "Array<char>, many values as Array<T>, and structs made of numbers as they are");
    static_assert(!std::is_pointer_v<T>,
                  "memshare: an address means nothing in another process; share what it points "
                  "to, or an index into an Array<T>");
    static_assert(Shareable<T>,
                  "memshare: Value<T> needs a number, a character, a bool, an enum, or a struct with "
                  "standard layout of these");

    static constexpr bool is_const = std::is_const_v<T>;
    static constexpr bool at_once = abi::stored_at_once(sizeof(T));
    using Plain = std::remove_const_t<T>;

    // What arithmetic is defined for.
    static constexpr bool is_integer = at_once && std::integral<Plain> && !std::same_as<Plain, bool>;
    static constexpr bool is_number = is_integer || (at_once && std::floating_point<Plain>);

  public:
    using value_type = Plain;

    Value(Value&& other) noexcept
        : segment_(std::move(other.segment_)),
          place_(std::exchange(other.place_, {})),
          changes_(std::exchange(other.changes_, {})),
          mutex_(std::exchange(other.mutex_, nullptr)) {}
    Value& operator=(Value&& other) noexcept { // what was held is detached
        if (this != &other) {
            segment_ = std::move(other.segment_);
            place_ = std::exchange(other.place_, {});
            changes_ = std::exchange(other.changes_, {});
            mutex_ = std::exchange(other.mutex_, nullptr);
        }
        return *this;
    }
    Value(const Value&) = delete;
    Value& operator=(const Value&) = delete;
    ~Value() = default;

    // Makes the value; this process is its creator. It is visible only with its initial contents.
    // Error: name_taken, quota_exceeded, out_of_memory, invalid_argument.
    static Value create(std::string_view name, const value_type& initial = {},
                        const CreateOptions& options = {})
        requires(!is_const)
    {
        return Value(Segment::create(name, plan(), bytes(cleared(initial)), options));
    }
    static Value create(Unnamed, const value_type& initial = {}, const CreateOptions& options = {})
        requires(!is_const)
    {
        return Value(Segment::create(unnamed, plan(), bytes(cleared(initial)), options));
    }

    // Opens one that there is. Error: no_such_segment, type_mismatch, access_denied, quota_exceeded.
    static Value open(std::string_view name, const OpenOptions& options = {}) {
        return Value(Segment::open(name, access, expected(), options));
    }
    static Value open_by_id(std::string_view id, const OpenOptions& options = {}) {
        return Value(Segment::open_by_id(id, access, expected(), options));
    }

    // Opens it, or makes it if there is none: of many at once exactly one does. Error: as both.
    static Value open_or_create(std::string_view name, const value_type& initial = {},
                                const CreateOptions& options = {})
        requires(!is_const)
    {
        return Value(Segment::open_or_create(name, plan(), bytes(cleared(initial)), options));
    }

    value_type load() const noexcept {
        if constexpr (at_once) {
            return place_.load();
        } else {
            return loaded();
        }
    }

    void store(const value_type& value) noexcept(at_once)
        requires(!is_const)
    {
        if constexpr (at_once) {
            const Changes changes = changes_;
            place_.store(value);
            changes.announce();
        } else {
            {
                const std::scoped_lock lock(*mutex_);
                publish(cleared(value));
            }
            changes_.announce();
        }
    }

    // Changes the value by f, which is given a copy: all at once, or, if f throws, not at all. No store of
    // another one's is lost; what f itself stores here is. Of a small value f may be called more than once;
    // of a larger one it is called with the lock held, and must not fork.
    template <std::invocable<value_type&> F> void update(F f)
        requires(!is_const)
    {
        if constexpr (at_once) {
            static_cast<void>(announced([&] {
                return place_.replace([&f](value_type value) {
                    f(value);
                    return value;
                });
            }));
        } else {
            {
                const std::scoped_lock lock(*mutex_);
                value_type value = load();
                f(value);
                detail::clear_padding(value);
                publish(value);
            }
            changes_.announce();
        }
    }

    // As std::atomic has them, and for the same types.
    value_type exchange(const value_type& value) noexcept
        requires(!is_const && at_once)
    {
        return announced([&] { return place_.exchange(value); });
    }

    // Stores if the value is `expected`; if not, that becomes what it is.
    bool compare_exchange(value_type& expected, const value_type& desired) noexcept
        requires(!is_const && at_once)
    {
        const Changes changes = changes_;
        const bool done = place_.compare_exchange(expected, desired);
        if (done) {
            changes.announce();
        }
        return done;
    }

    // Each returns what the value was before. Integers wrap around.
    value_type fetch_add(value_type by) noexcept
        requires(!is_const && is_number)
    {
        return announced([&] { return place_.fetch_add(by); });
    }
    value_type fetch_sub(value_type by) noexcept
        requires(!is_const && is_number)
    {
        if constexpr (is_integer) {
            return fetch_add(static_cast<value_type>(Unsigned{0} - static_cast<Unsigned>(by)));
        } else {
            return fetch_add(-by);
        }
    }
    value_type fetch_and(value_type bits) noexcept
        requires(!is_const && is_integer)
    {
        return announced([&] { return place_.fetch_and(bits); });
    }
    value_type fetch_or(value_type bits) noexcept
        requires(!is_const && is_integer)
    {
        return announced([&] { return place_.fetch_or(bits); });
    }
    value_type fetch_xor(value_type bits) noexcept
        requires(!is_const && is_integer)
    {
        return announced([&] { return place_.fetch_xor(bits); });
    }
    value_type fetch_min(value_type other) noexcept
        requires(!is_const && is_number)
    {
        return announced(
            [&] { return place_.replace([other](value_type old) { return other < old ? other : old; }); });
    }
    value_type fetch_max(value_type other) noexcept
        requires(!is_const && is_number)
    {
        return announced(
            [&] { return place_.replace([other](value_type old) { return old < other ? other : old; }); });
    }

    // Is another one after every store that comes after this call; to be waited past.
    Version version() const {
        const std::uint64_t count = changes_.count(); // first: a change that is under way may have moved it
        if constexpr (at_once) {
            changes_.attend();
            return {count, place_.bits()};
        } else {
            return {count, 0};
        }
    }

    // Waits until the value is not `old`, or has another version than `seen`. Looks, awake,
    // for some 50 us before it sleeps, if that has lately paid. Returns for nothing else. The first wait
    // through a read-only handle calls the broker, and throws what such a call may throw.
    void wait(const value_type& old) const { static_cast<void>(wait_till(is_not(old), {})); }
    void wait(Version seen) const { static_cast<void>(wait_till(is_past(seen), {})); }

    // The same, but no longer than that: whether it is so now. A time that is past, negative or not a number
    // (NaN) is over at once; one of more than a hundred years never is. If the broker does not answer in this
    // time, that is no error: the value is looked at once more.
    template <typename Rep, typename Period>
    bool wait_for(const value_type& old, const std::chrono::duration<Rep, Period>& time) const {
        return wait_till(is_not(old), detail::deadline_of(time));
    }
    template <typename Rep, typename Period>
    bool wait_for(Version seen, const std::chrono::duration<Rep, Period>& time) const {
        return wait_till(is_past(seen), detail::deadline_of(time));
    }
    template <typename Clock, typename Duration>
    bool wait_until(const value_type& old, const std::chrono::time_point<Clock, Duration>& time) const {
        return wait_till(is_not(old), detail::deadline_of(time));
    }
    template <typename Clock, typename Duration>
    bool wait_until(Version seen, const std::chrono::time_point<Clock, Duration>& time) const {
        return wait_till(is_past(seen), detail::deadline_of(time));
    }

    // Ends the waits for another version, without a change of the value; every store does so by itself. (As
    // any of those who wait may wait for something else, notify_one() does not choose one of them.)
    void notify_one() noexcept(at_once)
        requires(!is_const)
    {
        notify_all();
    }
    void notify_all() noexcept(at_once)
        requires(!is_const)
    {
        if constexpr (at_once) {
            changes_.notify_all();
        } else {
            update([](const value_type&) {}); // its version says where it lies
        }
    }

    // A descriptor for an event loop.
    Watch watch() const { return Watch(segment_); }

    // Its lock: for what takes more than one step, or more than one value. It lives as long as the handle.
    Mutex& mutex() const& noexcept
        requires(!is_const)
    {
        return *mutex_;
    }
    Mutex& mutex() const&& = delete;

    // Ends all writing to it, for ever and for everybody, and leaves this handle empty. No other thread may
    // use it meanwhile. If it fails, this is as before. Error: busy, if somebody else can write to it, or
    // this thread holds the lock; invalid_argument, if it was not created freezable; access_denied, if
    // another user owns it; no_such_segment, if it has ended.
    Value<const value_type> freeze()
        requires(!is_const)
    {
        segment_.freeze();
        return Value<const value_type>(std::move(segment_));
    }

    // What it was like when this handle was made.
    const SegmentInfo& info() const noexcept { return segment_.info(); }

    // Whether others can still open it; asks the broker. If not, it has ended, and this handle works on.
    bool alive() const { return segment_.alive(); }

  private:
    template <typename> friend class Value;

    using Unsigned = typename std::conditional_t<is_integer, std::make_unsigned<value_type>,
                                                 std::type_identity<value_type>>::type;
    template <bool is_small, typename = void> struct PlaceOf {
        using type = detail::AtOnce<value_type>;
    };
    template <typename Nothing> struct PlaceOf<false, Nothing> {
        using type = detail::TwoSlots<sizeof(T)>;
    };
    using Place = typename PlaceOf<at_once>::type;

    static constexpr Access access = is_const ? Access::read : Access::write;

    explicit Value(Segment segment) noexcept
        : segment_(std::move(segment)),
          place_(place_in(segment_)),
          changes_(segment_.changes()),
          mutex_(&segment_.mutex()) {}

    static Place place_in(const Segment& segment) noexcept {
        if constexpr (at_once) {
            return Place(segment.payload().data());
        } else {
            return Place(segment.header().change.version, segment.payload().data());
        }
    }

    static Plan plan() { return {.form = Form::value, .element = element_of<T>(), .count = 1}; }
    static Expected expected() { return {.form = Form::value, .element = element_of<T>(), .count = 1}; }
    static std::span<const std::byte> bytes(const value_type& value) {
        return std::as_bytes(std::span(&value, 1));
    }

    // As it is stored; a copy only where there is something to clear.
    static decltype(auto) cleared(const value_type& value) noexcept {
        if constexpr (detail::WithoutPadding<value_type>) {
            return (value);
        } else {
            value_type copy = value;
            detail::clear_padding(copy);
            return copy;
        }
    }
    void publish(const value_type& value) noexcept { place_.publish(&value); }

    // A function of its own, so that the compiler makes `value` where the caller wants it.
    value_type loaded() const noexcept {
        value_type value;
        place_.load(&value);
        return value;
    }

    // What a change returns, once it has been announced.
    auto announced(const auto& change) {
        const Changes changes = changes_;
        const auto result = change();
        changes.announce();
        return result;
    }

    auto is_not(const value_type& old) const {
        return [this, &old] {
            const value_type now = load();
            const value_type& is = cleared(now);
            const value_type& was = cleared(old);
            return std::memcmp(&is, &was, sizeof(is)) != 0;
        };
    }
    auto is_past(Version seen) const {
        return [this, seen] {
            if constexpr (at_once) {
                return Version(changes_.count(), place_.bits()) != seen;
            } else {
                return Version(changes_.count(), 0) != seen;
            }
        };
    }
    bool wait_till(const auto& so, const detail::Deadline& deadline) const {
        return changes_.wait(so, deadline);
    }

    Segment segment_;
    Place place_;
    Changes changes_;
    Mutex* mutex_;
};

} // namespace memshare
