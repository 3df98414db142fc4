// A typed array of fixed length that several processes share.
#pragma once

#include <memshare/element.hpp>
#include <memshare/export.hpp>
#include <memshare/segment.hpp>
#include <memshare/watch.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>

namespace memshare {

// Throws a std::out_of_range that says so: out of line, so that a program without exceptions can be compiled.
[[noreturn]] MEMSHARE_EXPORT void throw_out_of_range(std::size_t index, std::size_t size);

// Array<T> is read and written, Array<const T> only read: it is mapped read-only, which the kernel enforces.
// A handle is this process's attachment: it can be moved, and its end detaches. A moved-from handle has
// no elements; it may be assigned to, destroyed and asked for them, and nothing else. The elements are plain
// memory, a contiguous range as std::span is one: access to them is as fast, and as unsynchronised, as to any
// memory.
template <typename T> class Array {
    static_assert(
        std::is_trivially_copyable_v<T>,
        "memshare: Array<T> needs a T whose bytes are all there is to it. A std::string, a container or a "
        "smart pointer keeps its contents in private memory that other processes cannot see");
    static_assert(!std::is_pointer_v<T>,
                  "memshare: an address means nothing in another process; share what it points "
                  "to, or an index into an Array<T>");
    static_assert(Shareable<T>,
                  "memshare: Array<T> needs a number, a character, a bool, an enum, or a struct with "
                  "standard layout of these");

  public:
    using element_type = T;
    using value_type = std::remove_const_t<T>;
    using iterator = typename std::span<T>::iterator;

    Array(Array&& other) noexcept
        : segment_(std::move(other.segment_)), elements_(std::exchange(other.elements_, {})) {}
    Array& operator=(Array&& other) noexcept { // what was held is detached
        if (this != &other) {
            segment_ = std::move(other.segment_);
            elements_ = std::exchange(other.elements_, {});
        }
        return *this;
    }
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;
    ~Array() = default;

    // Makes an array of `count` zeros; this process is its creator. With `initial` or `fill` (which is called
    // with a std::span<T>) it is visible to others only when it is filled. Error: name_taken, quota_exceeded,
    // out_of_memory, invalid_argument.
    static Array create(std::string_view name, std::size_t count, const CreateOptions& options = {})
        requires(!std::is_const_v<T>)
    {
        return Array(Segment::create(name, plan(count), std::span<const std::byte>{}, options));
    }
    static Array create(std::string_view name, std::span<const value_type> initial,
                        const CreateOptions& options = {})
        requires(!std::is_const_v<T>)
    {
        return Array(Segment::create(name, plan(initial.size()), std::as_bytes(initial), options));
    }
    static Array create(std::string_view name, std::initializer_list<value_type> initial,
                        const CreateOptions& options = {})
        requires(!std::is_const_v<T>)
    {
        return create(name, std::span(initial.begin(), initial.size()), options);
    }
    template <std::invocable<std::span<T>> F>
    static Array create(std::string_view name, std::size_t count, F fill, const CreateOptions& options = {})
        requires(!std::is_const_v<T>)
    {
        return Array(Segment::create(name, plan(count), untyped(fill), options));
    }
    static Array create(Unnamed, std::size_t count, const CreateOptions& options = {})
        requires(!std::is_const_v<T>)
    {
        return Array(Segment::create(unnamed, plan(count), std::span<const std::byte>{}, options));
    }
    static Array create(Unnamed, std::span<const value_type> initial, const CreateOptions& options = {})
        requires(!std::is_const_v<T>)
    {
        return Array(Segment::create(unnamed, plan(initial.size()), std::as_bytes(initial), options));
    }

    // Opens one that there is, of any length or of `count` elements.
    // Error: no_such_segment, type_mismatch, access_denied, quota_exceeded.
    static Array open(std::string_view name, const OpenOptions& options = {}) {
        return Array(Segment::open(name, access, expected({}), options));
    }
    static Array open(std::string_view name, std::size_t count, const OpenOptions& options = {}) {
        return Array(Segment::open(name, access, expected(count), options));
    }
    static Array open_by_id(std::string_view id, const OpenOptions& options = {}) {
        return Array(Segment::open_by_id(id, access, expected({}), options));
    }

    // Opens it, or makes it if there is none: of many at once exactly one does. Error: as both.
    static Array open_or_create(std::string_view name, std::size_t count, const CreateOptions& options = {})
        requires(!std::is_const_v<T>)
    {
        return Array(Segment::open_or_create(name, plan(count), {}, options));
    }

    T* data() const noexcept { return elements_.data(); }
    std::size_t size() const noexcept { return elements_.size(); }
    std::span<T> span() const noexcept { return elements_; }
    iterator begin() const noexcept { return elements_.begin(); }
    iterator end() const noexcept { return elements_.end(); }

    T& operator[](std::size_t index) const noexcept { return elements_[index]; }

    // Throws std::out_of_range.
    T& at(std::size_t index) const {
        if (index >= size()) {
            throw_out_of_range(index, size());
        }
        return elements_[index];
    }

    // An element as an atomic, for threads and processes that share it without the lock.
    std::atomic_ref<T> atomic(std::size_t index) const noexcept
        requires(!std::is_const_v<T> && abi::stored_at_once(sizeof(T)))
    {
        static_assert(
            alignof(T) >= std::atomic_ref<T>::required_alignment,
            "memshare: atomic() needs a T that is aligned to its size, as other ones are no atomics "
            "without a lock of the compiler's library, which processes do not share: declare the struct "
            "alignas(its size)");
        return std::atomic_ref<T>(elements_[index]);
    }

    // The lock that comes with it. Nothing here takes it by itself. It lives as long as the handle.
    Mutex& mutex() const& noexcept
        requires(!std::is_const_v<T>)
    {
        return segment_.mutex();
    }
    Mutex& mutex() const&& = delete;

    // Elements are plain memory, so whoever has changed some says so, when others wait for it. (As any of
    // those may wait for something else, notify_one() does not choose one of them.)
    void notify_one() noexcept
        requires(!std::is_const_v<T>)
    {
        notify_all();
    }
    void notify_all() noexcept
        requires(!std::is_const_v<T>)
    {
        segment_.changes().notify_all();
    }

    // Is another one after each notification; to be waited past.
    Version version() const noexcept { return {segment_.changes().count(), 0}; }

    // Waits until the version is another one than that. Looks, awake, for some 50 us before it sleeps, if
    // that has lately paid. Returns for nothing else. The first wait through a read-only handle calls the
    // broker, and throws what such a call may throw.
    void wait(Version seen) const { static_cast<void>(wait_till(seen, {})); }

    // The same, but no longer than that: whether it is so now. Times are taken as by Value::wait_for().
    template <typename Rep, typename Period>
    bool wait_for(Version seen, const std::chrono::duration<Rep, Period>& time) const {
        return wait_till(seen, detail::deadline_of(time));
    }
    template <typename Clock, typename Duration>
    bool wait_until(Version seen, const std::chrono::time_point<Clock, Duration>& time) const {
        return wait_till(seen, detail::deadline_of(time));
    }

    // A descriptor for an event loop.
    Watch watch() const { return Watch(segment_); }

    // Ends all writing to it, for ever and for everybody. The elements stay where they are, and what points
    // to them stays good for reading; this handle is empty afterwards. Error: busy, if somebody else can
    // write to it, and then this is as before; invalid_argument, if it was not created freezable;
    // access_denied, if another user owns it.
    Array<const value_type> freeze()
        requires(!std::is_const_v<T>)
    {
        segment_.freeze();
        elements_ = {};
        return Array<const value_type>(std::move(segment_));
    }

    // What it was like when this handle was made.
    const SegmentInfo& info() const noexcept { return segment_.info(); }

    // Whether others can still open it; asks the broker. If not, it has ended, and this handle works on.
    bool alive() const { return segment_.alive(); }

  private:
    template <typename> friend class Array;

    static constexpr Access access = std::is_const_v<T> ? Access::read : Access::write;

    explicit Array(Segment segment) noexcept
        : segment_(std::move(segment)), elements_(typed<T>(segment_.payload())) {}

    static Plan plan(std::size_t count) {
        return {.form = Form::array, .element = element_of<T>(), .count = count};
    }
    static Expected expected(std::optional<std::uint64_t> count) {
        return {.form = Form::array, .element = element_of<T>(), .count = count};
    }
    bool wait_till(Version seen, const detail::Deadline& deadline) const {
        const Changes changes = segment_.changes();
        return changes.wait([&changes, seen] { return Version(changes.count(), 0) != seen; }, deadline);
    }
    template <typename U> static std::span<U> typed(std::span<std::byte> bytes) noexcept {
        return {reinterpret_cast<U*>(bytes.data()), bytes.size() / sizeof(U)};
    }
    static Fill untyped(auto& fill) {
        return [&fill](std::span<std::byte> bytes) { fill(typed<T>(bytes)); };
    }

    Segment segment_;
    std::span<T> elements_;
};

} // namespace memshare
