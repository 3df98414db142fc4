#include "proto/base64.h"

#include <gtest/gtest.h>

namespace memshare::proto {
namespace {

std::string encoded(std::string_view bytes) { return to_base64(std::as_bytes(std::span(bytes))); }

std::optional<std::string> decoded(std::string_view text) {
    const auto bytes = from_base64(text);
    if (!bytes) {
        return std::nullopt;
    }
    std::string result;
    for (const std::byte byte : *bytes) {
        result += static_cast<char>(byte);
    }
    return result;
}

// The test vectors of RFC 4648, section 10.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> vectors{{{"", ""},
                                                                                {"f", "Zg=="},
                                                                                {"fo", "Zm8="},
                                                                                {"foo", "Zm9v"},
                                                                                {"foob", "Zm9vYg=="},
                                                                                {"fooba", "Zm9vYmE="},
                                                                                {"foobar", "Zm9vYmFy"}}};

TEST(Base64, IsWrittenAsItsStandardSays) {
    for (const auto& [bytes, text] : vectors) {
        EXPECT_EQ(encoded(bytes), text);
    }
}

TEST(Base64, IsReadAsItsStandardSays) {
    for (const auto& [bytes, text] : vectors) {
        EXPECT_EQ(decoded(text), bytes);
    }
}

TEST(Base64, CarriesEveryByteInEveryPlace) {
    std::string bytes;
    for (int value = 0; value < 256; ++value) {
        bytes += std::string("xy").substr(0, static_cast<std::size_t>(value % 3)) + static_cast<char>(value);
        EXPECT_EQ(decoded(encoded(bytes)), bytes);
    }
}

TEST(Base64, IsNotReadWithoutItsPadding) {
    for (const auto* text : {"Z", "Zg", "Zg=", "Zm8", "Zm9vYg"}) {
        EXPECT_FALSE(decoded(text)) << text;
    }
}

TEST(Base64, IsNotReadWithPaddingElsewhere) {
    for (const auto* text : {"=", "==", "====", "Z===", "=Zg=", "Zg==Zg==", "Zm8=Zg==", "Z=g="}) {
        EXPECT_FALSE(decoded(text)) << text;
    }
}

TEST(Base64, HasOneFormForEachContent) {
    EXPECT_FALSE(decoded("Zh==")); // as "Zg==", with a bit set that no byte takes
    EXPECT_FALSE(decoded("Zm9="));
}

TEST(Base64, IsNotReadWithForeignCharacters) {
    for (const auto* text : {"Zm9 ", "Zm\nv", "Zm9-", "Zm9_", "Zm9\xFF", "Zm9."}) {
        EXPECT_FALSE(decoded(text)) << text;
    }
}

} // namespace
} // namespace memshare::proto
