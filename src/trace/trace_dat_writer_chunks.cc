// SPDX-License-Identifier: Apache-2.0
#include "trace/trace_dat_writer_chunks.h"

#include <sys/resource.h>
#include <zstd.h>

#include <algorithm>
#include <cassert>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <span>
#include <thread>

#include "trace/trace_dat_writer_text.h"
#include "wqprof/error_kind.h"

namespace wqprof {
namespace {

// Some 16 MB.  Should compression fall behind, half of them are stored as they are.
constexpr size_t kMaxQueued = 32;
// Below that of the collector, but above that of the load: where the load has all CPUs busy, it is
// compression that would starve.
constexpr int kNice = -10;
// The fastest one: pages shrink to a tenth all the same, and it must keep up with the kernel.
constexpr int kLevel = 1;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

// Makes the chunks of one file after the other.
class ChunkWriter {
 public:
  absl::Status Write(OutputFile& file, std::span<const std::byte> chunk, bool compress) {
    out_.resize(kSizes +
                std::max(ZSTD_compressBound(chunk.size()), StoredFrameBound(chunk.size())));
    const std::span<std::byte> frame = std::span(out_).subspan(kSizes);
    const size_t size = compress ? ZSTD_compressCCtx(context_.get(), frame.data(), frame.size(),
                                                     chunk.data(), chunk.size(), kLevel)
                                 : StoreFrame(chunk, frame);
    if (ZSTD_isError(size) != 0)
      return WithKind(absl::ResourceExhaustedError("cannot compress: no memory"),
                      ErrorKind::kOutOfMemory);
    const ByteWriter sizes =
        ByteWriter().U32(static_cast<uint32_t>(size)).U32(static_cast<uint32_t>(chunk.size()));
    std::memcpy(out_.data(), sizes.bytes().data(), kSizes);
    return file.Append(std::span<const std::byte>(out_).first(kSizes + size));
  }

 private:
  static constexpr size_t kSizes = 2 * sizeof(uint32_t);
  std::unique_ptr<ZSTD_CCtx, FreeContext> context_{ZSTD_createCCtx()};
  std::vector<std::byte> out_;
};

// A frame (RFC 8878) begins with its magic, a descriptor that says "one segment, content size in
// four bytes", and that size; each block with three bytes: "the last", its type, its size.
constexpr size_t kFrameHead = 9, kBlockHead = 3, kBlock = 128 << 10;

}  // namespace

size_t StoredFrameBound(size_t size) {
  return kFrameHead + size + (size + kBlock - 1) / kBlock * kBlockHead;
}

size_t StoreFrame(std::span<const std::byte> content, std::span<std::byte> frame) {
  assert(!content.empty() && frame.size() >= StoredFrameBound(content.size()));
  std::byte* at = frame.data();
  const auto put = [&at](uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) *at++ = static_cast<std::byte>(value >> 8 * i & 0xff);
  };
  put(ZSTD_MAGICNUMBER, 4);
  put(0xa0, 1);
  put(content.size(), 4);
  while (!content.empty()) {
    const auto block = content.first(std::min(content.size(), kBlock));
    content = content.subspan(block.size());
    put(block.size() << 3 | (content.empty() ? 1 : 0), kBlockHead);
    std::memcpy(at, block.data(), block.size());
    at += block.size();
  }
  return static_cast<size_t>(at - frame.data());
}

// A queue and the thread that works it off.
struct ChunkCompressor::Lane {
  struct Job {
    OutputFile* file;
    uint32_t* written;
    std::vector<std::byte> chunk;
  };

  void Run() {
    setpriority(PRIO_PROCESS, 0, kNice);  // of this thread; where it may not, it does without
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return !writing && (stop || !jobs.empty()); });
      if (jobs.empty()) return;
      WriteNext(lock, true);
    }
  }

  // REQUIRES: nobody writes, and there is a job.
  void WriteNext(std::unique_lock<std::mutex>& lock, bool compress) {
    Job job = std::move(jobs.front());
    jobs.pop_front();
    const bool good = status.ok();
    writing = true;
    lock.unlock();
    const absl::Status now = good ? writer.Write(*job.file, job.chunk, compress) : absl::OkStatus();
    lock.lock();
    writing = false;
    if (good && now.ok()) ++*job.written;
    if (!now.ok()) status = now;
    job.chunk.clear();
    spare.push_back(std::move(job.chunk));
    ++done;
    changed.notify_all();
  }

  // Takes over from a thread that fell behind, for half of the queue.
  void CatchUp(std::unique_lock<std::mutex>& lock) {
    while (jobs.size() > kMaxQueued / 2) {
      changed.wait(lock, [this] { return !writing; });
      if (!jobs.empty()) WriteNext(lock, false);
    }
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> jobs;
  std::vector<std::vector<std::byte>> spare;  // of chunks that are written: memory that is there
  uint64_t submitted = 0, done = 0;
  absl::Status status;
  bool stop = false;
  bool writing = false;  // somebody uses `writer`
  ChunkWriter writer;
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
                                     std::vector<std::byte>& chunk) {
  assert(lane_index >= 0);
  Lane& lane = *lanes_[static_cast<size_t>(lane_index) % lanes_.size()];
  std::unique_lock lock(lane.mutex);
  if (lane.jobs.size() >= kMaxQueued) lane.CatchUp(lock);
  if (!lane.status.ok()) return lane.status;
  lane.jobs.push_back({&file, &written, std::move(chunk)});
  chunk.clear();
  if (!lane.spare.empty()) {
    chunk = std::move(lane.spare.back());
    lane.spare.pop_back();
  }
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
