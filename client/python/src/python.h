// What the whole core needs of CPython: references with an owner, errors, and waiting without the GIL.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <cxxabi.h>
#include <structmember.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <type_traits>
#include <utility>

namespace memshare::python {

// A reference that is ours to give back; empty stands for an error that Python has been told.
class Ref {
  public:
    Ref() = default;
    explicit Ref(PyObject* owned) noexcept : object_(owned) {}
    static Ref to(PyObject* borrowed) noexcept { return Ref(Py_XNewRef(borrowed)); }
    Ref(Ref&& other) noexcept : object_(other.release()) {}
    Ref& operator=(Ref&& other) noexcept {
        if (this != &other) {
            PyObject* before = std::exchange(object_, other.release());
            Py_XDECREF(before);
        }
        return *this;
    }
    Ref(const Ref&) = delete;
    Ref& operator=(const Ref&) = delete;
    ~Ref() { Py_XDECREF(object_); }

    explicit operator bool() const noexcept { return object_ != nullptr; }
    PyObject* get() const noexcept { return object_; }
    PyObject* release() noexcept { return std::exchange(object_, nullptr); }

  private:
    PyObject* object_ = nullptr;
};

// Thrown when Python has been told of an error already.
class Told : public std::exception {};

// Throws Told, if this is nothing.
inline PyObject* checked(PyObject* object) {
    if (object == nullptr) {
        throw Told();
    }
    return object;
}
inline void check(int result) {
    if (result < 0) {
        throw Told();
    }
}

// The names of keywords, with a nullptr at their end, as PyArg_ParseTupleAndKeywords() wants them.
template <std::size_t Size> char** keywords_of(const std::array<const char*, Size>& words) noexcept {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): it only reads them
    return const_cast<char**>(words.data());
}

// The bytes of an object that has a buffer. Throws Told.
class Buffer {
  public:
    explicit Buffer(PyObject* from) { check(PyObject_GetBuffer(from, &view_, PyBUF_SIMPLE)); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { PyBuffer_Release(&view_); }
    std::span<const std::byte> bytes() const {
        return {static_cast<const std::byte*>(view_.buf), static_cast<std::size_t>(view_.len)};
    }

  private:
    Py_buffer view_{};
};

// What a thread does that CPython ends. (gil.h)
[[noreturn]] void rest() noexcept;

// Calls, and tells Python what was thrown: nullptr is then returned, or -1.
void tell_python() noexcept;

template <typename Call> auto guarded(Call call) noexcept -> decltype(call()) {
    try {
        return call();
    } catch (const abi::__forced_unwind&) {
        rest(); // where nobody expected that a thread may end
    } catch (...) {
        tell_python();
    }
    if constexpr (std::is_pointer_v<decltype(call())>) {
        return nullptr;
    } else {
        return -1;
    }
}

// Methods are C functions of a type of their own, and tables take them as any function.
template <typename Function> PyCFunction method(Function function) noexcept {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}
template <typename Function> void* slot(Function function) noexcept {
    return reinterpret_cast<void*>(function);
}

} // namespace memshare::python
