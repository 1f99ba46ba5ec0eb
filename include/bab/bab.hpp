#pragma once

#include <bab/detail/build.hpp>

/// Everything an application needs.
#include <bab/base/counter.hpp>
#include <bab/base/drops.hpp>
#include <bab/base/eal.hpp>
#include <bab/base/error.hpp>
#include <bab/base/ledger.hpp>
#include <bab/bus/bus.hpp>
#include <bab/capture/capture.hpp>
#include <bab/doctor/doctor.hpp>
#include <bab/lcore/acquire.hpp>
#include <bab/lcore/any_of.hpp>
#include <bab/lcore/channel.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/lcore/registration.hpp>
#include <bab/lcore/signal.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/memory/packet.hpp>
#include <bab/message/complete_frame.hpp>
#include <bab/message/flush_wait.hpp>
#include <bab/message/framer.hpp>
#include <bab/message/local_writer.hpp>
#include <bab/message/reserve_wait.hpp>
#include <bab/message/shared_writer.hpp>
#include <bab/message/staging_framer.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/port/loopback.hpp>
#include <bab/port/loopback_pair.hpp>
#include <bab/port/port.hpp>
#include <bab/port/port_watch.hpp>
#include <bab/port/shareable.hpp>
#include <bab/port/split_frames.hpp>
#include <bab/wire/frame_header.hpp>
