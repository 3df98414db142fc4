#include "client/python/src/creation.h"

#include "client/python/src/element.h"
#include "client/python/src/number.h"
#include "client/python/src/patience.h"
#include "client/python/src/segment_type.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace memshare::python {
namespace {

// What the keywords of create() say.
struct Made {
    Plan plan;
    CreateOptions options;
    const char* name = nullptr;
    PyObject* initial = Py_None;
    bool is_alone = false, may_exist = false;
};

int lifetime_from(PyObject* from, void* to) {
    constexpr std::array<std::string_view, 3> words{"creator", "attached", "persistent"};
    const char* word = PyUnicode_AsUTF8(from);
    const auto* const found = std::ranges::find(words, std::string_view(word == nullptr ? "" : word));
    if (found == words.end()) {
        PyErr_Format(PyExc_ValueError, "a lifetime is 'creator', 'attached' or 'persistent', not %R", from);
        return 0;
    }
    *static_cast<Lifetime*>(to) = static_cast<Lifetime>(found - words.begin());
    return 1;
}

int huge_pages_from(PyObject* from, void* to) {
    constexpr std::array<std::string_view, 4> words{"no", "transparent", "2M", "1G"};
    const char* word = from == Py_None ? "no" : PyUnicode_AsUTF8(from);
    const auto* const found = std::ranges::find(words, std::string_view(word == nullptr ? "" : word));
    if (found == words.end()) {
        PyErr_Format(PyExc_ValueError, "huge pages are None, 'transparent', '2M' or '1G', not %R", from);
        return 0;
    }
    *static_cast<HugePages*>(to) = static_cast<HugePages>(found - words.begin());
    return 1;
}

int group_from(PyObject* from, void* to) {
    if (from == Py_None) {
        return 1;
    }
    return guarded([&] {
               *static_cast<std::optional<std::uint32_t>*>(to) = word_from(from);
               return 0;
           }) == 0
               ? 1
               : 0;
}

int mode_from(PyObject* from, void* to) {
    return guarded([&] {
               *static_cast<std::uint32_t*>(to) = word_from(from);
               return 0;
           }) == 0
               ? 1
               : 0;
}

int shape_from(PyObject* from, void* to) {
    const Ref dimensions(
        in_python([&] { return PySequence_Fast(from, "a shape is a sequence of lengths"); }));
    if (!dimensions) {
        return 0;
    }
    auto& shape = *static_cast<std::vector<std::uint64_t>*>(to);
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(dimensions.get()); ++i) {
        const Ref item = Ref::to(PySequence_Fast_GET_ITEM(dimensions.get(), i));
        const Ref one(in_python([&] { return PyNumber_Index(item.get()); }));
        shape.push_back(one ? PyLong_AsUnsignedLongLong(one.get()) : 0);
        if (PyErr_Occurred() != nullptr) {
            return 0;
        }
    }
    return 1;
}

Segment made_by(const Made& asked) {
    const std::optional<Buffer> buffer =
        asked.initial == Py_None ? std::nullopt : std::optional<Buffer>(std::in_place, asked.initial);
    const auto initial = buffer ? buffer->bytes() : std::span<const std::byte>{};
    if (asked.is_alone) {
        return Segment::create_alone(asked.plan, initial, asked.options);
    }
    const WithoutGil others_run;
    if (asked.name == nullptr) {
        return Segment::create(unnamed, asked.plan, initial, asked.options);
    }
    return asked.may_exist ? Segment::open_or_create(asked.name, asked.plan, initial, asked.options)
                           : Segment::create(asked.name, asked.plan, initial, asked.options);
}

} // namespace

PyObject* create(PyObject* /*module*/, PyObject* arguments, PyObject* keywords) {
    static constexpr std::array<const char*, 16> words{
        "element", "count",      "initial", "alone",     "may_exist",        "name",  "lifetime", "mode",
        "group",   "huge_pages", "reserve", "freezable", "exclusive_writer", "shape", nullptr};
    return guarded([&]() -> PyObject* {
        Made made;
        PyObject* tuple = nullptr;
        PyObject* count = nullptr;
        int is_alone = 0;
        int may_exist = 0;
        int reserve = 0;
        int freezable = 0;
        int exclusive = 0;
        if (PyArg_ParseTupleAndKeywords(arguments, keywords, "O!O|O$ppzO&O&O&O&pppO&", keywords_of(words),
                                        &PyTuple_Type, &tuple, &count, &made.initial, &is_alone, &may_exist,
                                        &made.name, lifetime_from, &made.options.lifetime, mode_from,
                                        &made.options.mode, group_from, &made.options.group, huge_pages_from,
                                        &made.options.huge_pages, &reserve, &freezable, &exclusive,
                                        shape_from, &made.options.shape) == 0) {
            return nullptr;
        }
        made.plan.element = element_from(tuple);
        made.plan.form = count == Py_None ? Form::value : Form::array;
        if (count != Py_None) {
            made.plan.count = PyLong_AsUnsignedLongLong(count);
        }
        if (PyErr_Occurred() != nullptr) {
            return nullptr;
        }
        made.is_alone = is_alone != 0;
        made.may_exist = may_exist != 0;
        made.options.reserve = reserve != 0;
        made.options.freezable = freezable != 0;
        made.options.exclusive_writer = exclusive != 0;
        std::optional<Segment> segment;
        if (made.is_alone) {
            patiently([&] { segment = made_by(made); }); // which may take a connection
        } else {
            segment = made_by(made);
        }
        return wrapped(*std::move(segment));
    });
}

PyObject* open(PyObject* /*module*/, PyObject* arguments, PyObject* keywords) {
    static constexpr std::array<const char*, 7> words{"name", "by_id", "readonly", "element",
                                                      "form", "count", nullptr};
    return guarded([&]() -> PyObject* {
        const char* name = nullptr;
        int by_id = 0;
        int readonly = 0;
        PyObject* tuple = Py_None;
        const char* form = nullptr;
        PyObject* count = Py_None;
        if (PyArg_ParseTupleAndKeywords(arguments, keywords, "s|$ppOzO", keywords_of(words), &name, &by_id,
                                        &readonly, &tuple, &form, &count) == 0) {
            return nullptr;
        }
        Expected expected;
        if (tuple != Py_None) {
            expected.element = element_from(tuple);
        }
        if (form != nullptr) {
            expected.form = std::string_view(form) == "value" ? Form::value : Form::array;
        }
        if (count != Py_None) {
            expected.count = PyLong_AsUnsignedLongLong(count);
        }
        if (PyErr_Occurred() != nullptr) {
            return nullptr;
        }
        const Access access = readonly != 0 ? Access::read : Access::write;
        std::optional<Segment> opened;
        {
            const WithoutGil others_run;
            opened = by_id != 0 ? Segment::open_by_id(name, access, expected)
                                : Segment::open(name, access, expected);
        }
        return wrapped(*std::move(opened));
    });
}

} // namespace memshare::python
