// The interface is stated twice: in the .varlink files, for everybody, and as structs, for us. Here they are
// held against each other, so that neither can change alone.
#include "proto/calls.h"
#include "proto/interface_description.h"
#include "proto/refusal.h"
#include "tests/proto/interface_parser.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace memshare::proto {
namespace {

using test::Interface;
using test::InterfaceParser;

using Texts = std::map<std::string, std::string>; // by name: "Publish" -> "(id: string, name: string) -> ()"

// What our structs and enumerations are called in the interface.
template <typename T> constexpr std::string_view name_of{};
template <> constexpr std::string_view name_of<Form> = "Form";
template <> constexpr std::string_view name_of<ElementKind> = "ElementKind";
template <> constexpr std::string_view name_of<Field> = "Field";
template <> constexpr std::string_view name_of<Element> = "Element";
template <> constexpr std::string_view name_of<Lifetime> = "Lifetime";
template <> constexpr std::string_view name_of<Access> = "Access";
template <> constexpr std::string_view name_of<HugePages> = "HugePages";
template <> constexpr std::string_view name_of<EventKind> = "EventKind";
template <> constexpr std::string_view name_of<Process> = "Process";
template <> constexpr std::string_view name_of<DeadHolder> = "DeadHolder";
template <> constexpr std::string_view name_of<Lock> = "Lock";
template <> constexpr std::string_view name_of<Event> = "Event";
template <> constexpr std::string_view name_of<Creator> = "Creator";
template <> constexpr std::string_view name_of<Segment> = "Segment";
template <> constexpr std::string_view name_of<Attachment> = "Attachment";
template <> constexpr std::string_view name_of<Usage> = "Usage";
template <> constexpr std::string_view name_of<UserUsage> = "UserUsage";
template <> constexpr std::string_view name_of<Counters> = "Counters";

// How a type of ours is written there.
template <typename T> struct TypeIn {
    static std::string text() {
        if constexpr (std::same_as<T, bool>) {
            return "bool";
        } else if constexpr (std::integral<T>) {
            return "int";
        } else if constexpr (!name_of<T>.empty()) {
            return std::string(name_of<T>);
        } else {
            return "string"; // names, ids and base64 as well
        }
    }
};
template <typename T> struct TypeIn<std::optional<T>> : TypeIn<T> {};
template <> struct TypeIn<std::vector<std::byte>> {
    static std::string text() { return "string"; }
};
template <typename T> struct TypeIn<std::vector<T>> {
    static std::string text() { return "[]" + TypeIn<T>::text(); }
};

template <typename Struct> std::string fields_of() {
    std::string text;
    for_each_member<Struct>([&]<typename T>(const Member<Struct, T>& member) {
        text += text.empty() ? "" : ", ";
        text += std::string(member.name) + ": " + (member.required ? "" : "?") + TypeIn<T>::text();
    });
    return "(" + text + ")";
}

// A struct without members of its own, like Goodbye.
template <typename Struct>
    requires std::derived_from<Struct, Nothing>
std::string fields_of() {
    return "()";
}

template <typename Enum> std::string values_of() {
    std::string text;
    for (const auto name : NamesOf<Enum>::names) {
        text += (text.empty() ? "" : ", ") + std::string(name);
    }
    return "(" + text + ")";
}

// Notes a thing of ours under its short name, if it belongs to the interface.
void note(Texts& texts, std::string_view interface, std::string_view full_name, const std::string& text) {
    if (full_name.starts_with(std::string(interface) + ".")) {
        texts[std::string(full_name.substr(interface.size() + 1))] = text;
    }
}

template <typename... Method>
Texts methods_of(MethodList<Method...> /*methods*/, std::string_view interface) {
    Texts texts;
    (note(texts, interface, Method::method,
          fields_of<Method>() + " -> " + fields_of<typename Method::Reply>()),
     ...);
    return texts;
}

template <std::size_t... index>
Texts errors_of(std::string_view interface, std::index_sequence<index...> /*all*/) {
    Texts texts;
    (note(texts, interface, std::variant_alternative_t<index, Refusal>::error,
          fields_of<std::variant_alternative_t<index, Refusal>>()),
     ...);
    return texts;
}

Texts our_methods(std::string_view interface) { return methods_of(Methods{}, interface); }

Texts our_errors(std::string_view interface) {
    return errors_of(interface, std::make_index_sequence<std::variant_size_v<Refusal>>{});
}

Interface described(std::string_view name) {
    for (const InterfaceDescription& description : interface_descriptions()) {
        if (description.name == name) {
            return InterfaceParser::parse(description.text);
        }
    }
    throw std::runtime_error("no interface " + std::string(name));
}

Texts declared(std::string_view interface, std::string_view keyword) {
    Texts texts;
    for (const auto& declaration : described(interface).declarations) {
        if (declaration.keyword == keyword) {
            texts[declaration.name] = declaration.text;
        }
    }
    return texts;
}

constexpr std::string_view ours = "io.memshare.Broker";
constexpr std::string_view everybodys = "org.varlink.service";

TEST(TheInterface, IsWhatEveryParserTakes) {
    for (const InterfaceDescription& description : interface_descriptions()) {
        EXPECT_NO_THROW(EXPECT_EQ(InterfaceParser::parse(description.text).name, description.name));
    }
}

TEST(TheInterface, HasOurMethodsWithTheirParametersAndReplies) {
    EXPECT_EQ(declared(ours, "method"), our_methods(ours));
    EXPECT_EQ(our_methods(ours).size(), 13U);
}

TEST(TheInterface, HasOurErrorsWithWhatTheyTell) {
    EXPECT_EQ(declared(ours, "error"), our_errors(ours));
    EXPECT_EQ(our_errors(ours).size(), 10U);
}

TEST(TheInterface, HasOurTypesWithTheirFieldsAndValues) {
    const Texts types{{"Form", values_of<Form>()},
                      {"ElementKind", values_of<ElementKind>()},
                      {"Field", fields_of<Field>()},
                      {"Element", fields_of<Element>()},
                      {"Lifetime", values_of<Lifetime>()},
                      {"Access", values_of<Access>()},
                      {"EventKind", values_of<EventKind>()},
                      {"HugePages", values_of<HugePages>()},
                      {"Process", fields_of<Process>()},
                      {"DeadHolder", fields_of<DeadHolder>()},
                      {"Lock", fields_of<Lock>()},
                      {"Event", fields_of<Event>()},
                      {"Creator", fields_of<Creator>()},
                      {"Segment", fields_of<Segment>()},
                      {"Attachment", fields_of<Attachment>()},
                      {"Usage", fields_of<Usage>()},
                      {"UserUsage", fields_of<UserUsage>()},
                      {"Counters", fields_of<Counters>()}};
    EXPECT_EQ(declared(ours, "type"), types);
}

TEST(TheInterface, DocumentsEachDeclaration) {
    for (const auto& declaration : described(ours).declarations) {
        EXPECT_TRUE(declaration.is_documented) << declaration.name;
    }
}

TEST(TheInterfaceOfEveryService, HasOurMethods) {
    EXPECT_EQ(declared(everybodys, "method"), our_methods(everybodys));
}

TEST(TheInterfaceOfEveryService, HasOurErrorsAndOneThatWeNeverSay) {
    Texts errors = our_errors(everybodys);
    errors["PermissionDenied"] = "()";
    EXPECT_EQ(declared(everybodys, "error"), errors);
}

// What our own parser refuses, since others do: else the first test would say nothing.
TEST(AnInterfaceParser, RefusesWhatOthersRefuse) {
    for (const auto* text : {"type A ()", "type A (a: [][]int)", "type A (a: [string][]int)",
                             "type A (a: []?int)", "type A (a: int,)", "type A (a-b, c)", "type a (b: int)",
                             "error A", "method A()", "method A() # x\n-> ()", "method A(a: int # x\n) -> ()",
                             "type A (a: int # x\n, b: int)", "method A(a: ??int) -> ()",
                             "function A() -> ()", "method A(a: [string]()) -> (", "type A (a: int"}) {
        EXPECT_THROW(InterfaceParser::parse("interface a.b\n" + std::string(text)), std::runtime_error)
            << text;
    }
}

TEST(AnInterfaceParser, TakesWhatOthersTake) {
    const auto read = InterfaceParser::parse(
        "# c\ninterface a.b\n# d\nmethod A(\n# e\na: ?[]int, b: [string]B)->(c: (d: int))");
    EXPECT_EQ(read.declarations.at(0).text, "(a: ?[]int, b: [string]B) -> (c: (d: int))");
}

} // namespace
} // namespace memshare::proto
