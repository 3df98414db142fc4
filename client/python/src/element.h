// One element between Python and the memory.
#pragma once

#include "client/python/src/python.h"
#include <memshare/at_once.hpp>
#include <memshare/element.hpp>

#include <bit>
#include <cstring>
#include <string>

namespace memshare::python {

// The bits of an element of up to eight bytes, the first of them as they lie in memory.
union Bits {
    std::uint64_t all = 0;
    std::int8_t i8;
    std::uint8_t u8;
    std::int16_t i16;
    std::uint16_t u16;
    std::int32_t i32;
    std::uint32_t u32;
    std::int64_t i64;
    std::uint64_t u64;
    float f32;
    double f64;
    std::byte bytes[8]; // NOLINT(modernize-avoid-c-arrays): a union's member
};

// Calls with something of the type that a kind of element is to ctypes; a structure is none.
template <typename Call> auto with_type(ElementKind kind, Call call) {
    switch (kind) {
        case ElementKind::i8:
            return call(std::int8_t{});
        case ElementKind::u8:
        case ElementKind::boolean:
        case ElementKind::character:
            return call(std::uint8_t{});
        case ElementKind::i16:
            return call(std::int16_t{});
        case ElementKind::u16:
            return call(std::uint16_t{});
        case ElementKind::i32:
            return call(std::int32_t{});
        case ElementKind::u32:
        case ElementKind::wide_character:
            return call(std::uint32_t{});
        case ElementKind::i64:
            return call(std::int64_t{});
        case ElementKind::f32:
            return call(float{});
        case ElementKind::f64:
            return call(double{});
        case ElementKind::u64:
        case ElementKind::structure:
            return call(std::uint64_t{});
    }
    return call(std::uint64_t{});
}

inline bool is_number(ElementKind kind) { return kind <= ElementKind::f64; }

// As the lowest bits of a number, which on a little endian machine are the first bytes: made in a register,
// as the processor waits for what is written in one size and read in another.
template <typename T> Bits bits_of(T value) {
    Bits bits;
    bits.all = std::bit_cast<typename detail::AtOnce<T>::Bits>(value);
    return bits;
}
template <typename T> T value_of(Bits bits) {
    return std::bit_cast<T>(static_cast<typename detail::AtOnce<T>::Bits>(bits.all));
}
static_assert(std::endian::native == std::endian::little);

// Reads and writes an element as one piece, in no order with anything else.
inline Bits read(ElementKind kind, std::byte* place) {
    return with_type(kind, [&]<typename T>(T /*type*/) {
        return bits_of(std::atomic_ref(*reinterpret_cast<typename detail::AtOnce<T>::Bits*>(place))
                           .load(std::memory_order_relaxed));
    });
}
inline void write(ElementKind kind, std::byte* place, Bits bits) {
    with_type(kind, [&]<typename T>(T /*type*/) {
        using Piece = typename detail::AtOnce<T>::Bits;
        std::atomic_ref(*reinterpret_cast<Piece*>(place))
            .store(static_cast<Piece>(bits.all), std::memory_order_relaxed);
    });
}

// As ctypes shows it: a number, a bool, bytes of one or a string of one.
PyObject* shown(ElementKind kind, Bits bits);

// What ctypes makes of a number, a bool or another Python object: an integer wraps around. False: its rules
// are not as plain as that, or it refuses it; Python has been told nothing. No Python code runs.
bool plainly_taken(ElementKind kind, PyObject* from, Bits& bits);

// The same by its own rules, where they are not plain. `type` is the ctypes type. False: Python has been
// told.
bool taken(ElementKind kind, PyObject* type, PyObject* from, Bits& bits);

// The native format of PEP 3118 for a number or a character; 0 for a structure.
char format_of(ElementKind kind);

// (kind, size, alignment, name, ((name, kind, offset, count), ...)), kinds by their words.
PyObject* described(const Element& element);
Element element_from(PyObject* tuple); // throws Told

} // namespace memshare::python
