#include "proto/type.h"

#include "proto/limits.h"
#include "proto/utf8.h"

#include <algorithm>
#include <bit>

namespace memshare::proto {
namespace {

bool fits(const Field& field, std::uint32_t struct_size) {
    const std::uint32_t size = abi::size_of(field.kind);
    return size != 0 && field.count != 0 && field.offset <= struct_size &&
           field.count <= (struct_size - field.offset) / size && !field.name.empty() &&
           field.name.size() <= limits::field_name_bytes && is_printable_utf8(field.name);
}

bool complete_struct(Element& element, std::string& wrong) {
    if (element.size == 0 || element.size > limits::element_bytes) {
        wrong = "element.size";
    } else if (!std::has_single_bit(element.alignment) || element.alignment > limits::element_alignment ||
               element.size % element.alignment != 0) {
        wrong = "element.alignment";
    } else if (element.name.size() > limits::name_bytes || !is_printable_utf8(element.name)) {
        wrong = "element.name";
    } else if (element.fields.size() > limits::fields ||
               !std::ranges::all_of(element.fields, [&](const Field& f) { return fits(f, element.size); })) {
        wrong = "element.fields";
    }
    return wrong.empty();
}

bool complete_number(Element& element, std::string& wrong) {
    const std::uint32_t size = abi::size_of(element.kind);
    if (element.size != 0 && element.size != size) {
        wrong = "element.size";
    } else if (element.alignment != 0 && element.alignment != size) {
        wrong = "element.alignment";
    } else if (!element.name.empty()) {
        wrong = "element.name";
    } else if (!element.fields.empty()) {
        wrong = "element.fields";
    }
    element.size = element.alignment = size;
    return wrong.empty();
}

bool multiplies_to(const std::vector<std::uint64_t>& shape, std::uint64_t count) {
    std::uint64_t product = 1;
    for (const std::uint64_t dimension : shape) {
        if (dimension == 0 || product > count / dimension) {
            return false;
        }
        product *= dimension;
    }
    return product == count;
}

std::string words_of(const Element& element) {
    std::string words(abi::name_of(element.kind));
    if (element.kind == ElementKind::structure) {
        words += element.name.empty() ? "" : " " + element.name;
        words += element.size == 0 ? "" : " (" + std::to_string(element.size) + " bytes)";
    }
    return words;
}

std::string words_of(std::optional<Form> form, const std::optional<Element>& element,
                     std::optional<std::uint64_t> count) {
    std::string words = !form ? "segment of " : *form == Form::value ? "value of " : "array of ";
    if (count && form != Form::value) {
        words += std::to_string(*count) + " ";
    }
    return words + (element ? words_of(*element) : "anything");
}

// Two descriptions of one element agree where both say something.
bool agree(const Element& expected, const Element& actual) {
    return expected.kind == actual.kind && (expected.size == 0 || expected.size == actual.size) &&
           (expected.alignment == 0 || expected.alignment == actual.alignment) &&
           (expected.name.empty() || actual.name.empty() || expected.name == actual.name) &&
           (expected.fields.empty() || actual.fields.empty() || expected.fields == actual.fields);
}

} // namespace

std::optional<std::string> Type::complete() {
    std::string wrong;
    if (element.kind == ElementKind::structure ? !complete_struct(element, wrong)
                                               : !complete_number(element, wrong)) {
        return wrong;
    }
    if (count == 0 || count > limits::segment_bytes / element.size || (form == Form::value && count != 1)) {
        return "count";
    }
    if (!shape.empty() &&
        (form == Form::value || shape.size() > limits::dimensions || !multiplies_to(shape, count))) {
        return "shape";
    }
    return std::nullopt;
}

std::string Type::words() const { return words_of(form, element, count); }

bool ExpectedType::matches(const Type& actual) const {
    return (!form || *form == actual.form) && (!element || agree(*element, actual.element)) &&
           (!count || *count == actual.count);
}

std::string ExpectedType::words() const { return words_of(form, element, count); }

} // namespace memshare::proto
