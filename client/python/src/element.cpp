#include "client/python/src/element.h"

#include "client/python/src/gil.h"

#include <algorithm>
#include <array>

namespace memshare::python {
namespace {

constexpr std::size_t kinds = abi::kind_names.size();

constexpr std::array<char, kinds> formats{'b', 'B', 'h', 'H', 'i', 'I', 'l', 'L', 'f', 'd', '?', 'c', 'w', 0};

constexpr std::size_t index_of(ElementKind kind) { return static_cast<std::size_t>(kind); }

ElementKind kind_called(std::string_view word) {
    const auto* const found = std::ranges::find(abi::kind_names, word);
    if (found == abi::kind_names.end()) {
        PyErr_Format(PyExc_ValueError, "there is no kind of element '%s'", std::string(word).c_str());
        throw Told();
    }
    return static_cast<ElementKind>(found - abi::kind_names.begin());
}

// By the type's own rules: a new one of it is assigned to, as `type().value = from`.
bool taken_by(PyObject* type, PyObject* from, Bits& bits) {
    const Ref one(in_python([&] { return PyObject_CallNoArgs(type); }));
    if (!one || in_python([&] { return PyObject_SetAttrString(one.get(), "value", from); }) < 0) {
        return false;
    }
    Py_buffer view{};
    if (PyObject_GetBuffer(one.get(), &view, PyBUF_SIMPLE) < 0) {
        return false;
    }
    std::memcpy(bits.bytes, view.buf, std::min(sizeof(bits), static_cast<std::size_t>(view.len)));
    PyBuffer_Release(&view);
    return true;
}

} // namespace

PyObject* shown(ElementKind kind, Bits bits) {
    switch (kind) {
        case ElementKind::i8:
            return PyLong_FromLong(bits.i8);
        case ElementKind::u8:
            return PyLong_FromLong(bits.u8);
        case ElementKind::i16:
            return PyLong_FromLong(bits.i16);
        case ElementKind::u16:
            return PyLong_FromLong(bits.u16);
        case ElementKind::i32:
            return PyLong_FromLong(bits.i32);
        case ElementKind::u32:
            return PyLong_FromLong(bits.u32);
        case ElementKind::i64:
            return PyLong_FromLong(bits.i64);
        case ElementKind::u64:
            return PyLong_FromUnsignedLong(bits.u64);
        case ElementKind::f32:
            return PyFloat_FromDouble(static_cast<double>(bits.f32));
        case ElementKind::f64:
            return PyFloat_FromDouble(bits.f64);
        case ElementKind::boolean:
            return PyBool_FromLong(bits.u8);
        case ElementKind::character:
            return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(bits.bytes), 1);
        case ElementKind::wide_character: {
            const auto character = static_cast<wchar_t>(bits.u32);
            return PyUnicode_FromWideChar(&character, 1);
        }
        case ElementKind::structure:
            break;
    }
    PyErr_SetString(PyExc_TypeError, "a structure has no value, but fields");
    return nullptr;
}

bool plainly_taken(ElementKind kind, PyObject* from, Bits& bits) {
    if (kind == ElementKind::f64 || kind == ElementKind::f32) {
        if (!PyFloat_Check(from) && !PyLong_CheckExact(from)) { // that may have a __float__() of its own
            return false;
        }
        const double number = PyFloat_AsDouble(from);
        if (number == -1.0 && PyErr_Occurred() != nullptr) {
            PyErr_Clear();
            return false;
        }
        if (kind == ElementKind::f64) {
            bits.f64 = number;
        } else {
            bits = bits_of(static_cast<float>(number));
        }
        return true;
    }
    if (is_number(kind) && PyLong_Check(from)) {
        bits.all = PyLong_AsUnsignedLongLongMask(from); // of an integer this cannot fail
        return true;
    }
    if (kind == ElementKind::boolean && PyBool_Check(from)) {
        bits.all = from == Py_True ? 1 : 0;
        return true;
    }
    return false;
}

bool taken(ElementKind kind, PyObject* type, PyObject* from, Bits& bits) {
    return plainly_taken(kind, from, bits) || taken_by(type, from, bits);
}

char format_of(ElementKind kind) { return formats.at(index_of(kind)); }

PyObject* described(const Element& element) {
    const Ref fields(checked(PyTuple_New(static_cast<Py_ssize_t>(element.fields.size()))));
    Py_ssize_t at = 0;
    for (const Field& field : element.fields) {
        PyTuple_SET_ITEM(
            fields.get(), at++,
            checked(Py_BuildValue("(ssII)", field.name.c_str(), std::string(abi::name_of(field.kind)).c_str(),
                                  field.offset, field.count)));
    }
    return Py_BuildValue("(sIIsO)", std::string(abi::name_of(element.kind)).c_str(), element.size,
                         element.alignment, element.name.c_str(), fields.get());
}

Element element_from(PyObject* tuple) {
    const char* kind = nullptr;
    const char* name = nullptr;
    PyObject* fields = nullptr;
    Element element;
    if (PyArg_ParseTuple(tuple, "sIIsO!", &kind, &element.size, &element.alignment, &name, &PyTuple_Type,
                         &fields) == 0) {
        throw Told();
    }
    element.kind = kind_called(kind);
    element.name = name;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(fields); ++i) {
        Field field;
        if (PyArg_ParseTuple(PyTuple_GET_ITEM(fields, i), "ssII", &name, &kind, &field.offset,
                             &field.count) == 0) {
            throw Told();
        }
        field.name = name;
        field.kind = kind_called(kind);
        element.fields.push_back(std::move(field));
    }
    return element;
}

} // namespace memshare::python
