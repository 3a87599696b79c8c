// SPDX-License-Identifier: Apache-2.0
#include "trace/trace_dat_writer_chunks.h"

#include <zstd.h>

#include <cassert>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <span>
#include <thread>

#include "trace/trace_dat_writer_text.h"

namespace wqprof {
namespace {

// Some 20 MB, should compression fall behind.
constexpr size_t kMaxQueued = 32;
// The fastest one: pages shrink to a tenth all the same, and it must keep up with the kernel.
constexpr int kLevel = 1;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

// One thread's compression.
class Compressor {
 public:
  absl::Status Write(OutputFile& file, std::span<const std::byte> chunk) {
    constexpr size_t kSizes = 2 * sizeof(uint32_t);
    out_.resize(kSizes + ZSTD_compressBound(chunk.size()));
    const size_t size = ZSTD_compressCCtx(context_.get(), out_.data() + kSizes,
                                          out_.size() - kSizes, chunk.data(), chunk.size(), kLevel);
    if (ZSTD_isError(size) != 0) return absl::ResourceExhaustedError("cannot compress: no memory");
    const ByteWriter sizes =
        ByteWriter().U32(static_cast<uint32_t>(size)).U32(static_cast<uint32_t>(chunk.size()));
    std::memcpy(out_.data(), sizes.bytes().data(), kSizes);
    return file.Append(std::span<const std::byte>(out_).first(kSizes + size));
  }

 private:
  std::unique_ptr<ZSTD_CCtx, FreeContext> context_{ZSTD_createCCtx()};
  std::vector<std::byte> out_;
};

}  // namespace

// A queue and the thread that works it off.
struct ChunkCompressor::Lane {
  struct Job {
    OutputFile* file;
    uint32_t* written;
    std::vector<std::byte> chunk;
  };

  void Run() {
    Compressor compressor;
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return stop || !jobs.empty(); });
      if (jobs.empty()) return;
      Job job = std::move(jobs.front());
      jobs.pop_front();
      const bool good = status.ok();
      lock.unlock();
      const absl::Status written = good ? compressor.Write(*job.file, job.chunk) : absl::OkStatus();
      lock.lock();
      if (good && written.ok()) ++*job.written;
      if (!written.ok()) status = written;
      ++done;
      changed.notify_all();
    }
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> jobs;
  uint64_t submitted = 0, done = 0;
  absl::Status status;
  bool stop = false;
  std::thread thread;
};

ChunkCompressor::ChunkCompressor(int lanes) {
  for (int i = 0; i < lanes; ++i) {
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->thread = std::thread([lane = lanes_.back().get()] { lane->Run(); });
  }
}

ChunkCompressor::~ChunkCompressor() {
  for (auto& lane : lanes_) {
    {
      const std::lock_guard lock(lane->mutex);
      lane->stop = true;
    }
    lane->changed.notify_all();
    lane->thread.join();
  }
}

absl::Status ChunkCompressor::Submit(int lane_index, OutputFile& file, uint32_t& written,
                                     std::vector<std::byte> chunk) {
  assert(lane_index >= 0);
  Lane& lane = *lanes_[static_cast<size_t>(lane_index) % lanes_.size()];
  std::unique_lock lock(lane.mutex);
  lane.changed.wait(lock, [&lane] { return lane.jobs.size() < kMaxQueued; });
  if (!lane.status.ok()) return lane.status;
  lane.jobs.push_back({&file, &written, std::move(chunk)});
  ++lane.submitted;
  lane.changed.notify_all();
  return absl::OkStatus();
}

absl::Status ChunkCompressor::Drain() {
  absl::Status status;
  for (auto& lane : lanes_) {
    std::unique_lock lock(lane->mutex);
    lane->changed.wait(lock, [&lane] { return lane->done == lane->submitted; });
    status.Update(lane->status);
  }
  return status;
}

}  // namespace wqprof
