// memshare: shared memory with an owner.
#pragma once

#include <memshare/array.hpp>
#include <memshare/broker.hpp>
#include <memshare/changes.hpp>
#include <memshare/element.hpp>
#include <memshare/error.hpp>
#include <memshare/mutex.hpp>
#include <memshare/options.hpp>
#include <memshare/segment.hpp>
#include <memshare/segment_info.hpp>
#include <memshare/value.hpp>
#include <memshare/watch.hpp>
