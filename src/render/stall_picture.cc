// SPDX-License-Identifier: Apache-2.0
#include "render/stall_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "render/lanes.h"
#include "render/pictures.h"
#include "render/task_text.h"
#include "render/text.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

constexpr size_t kWidthOfPipe = 80;
constexpr size_t kTail = 10;       // behind the backlog: " max 1234"
constexpr size_t kNamedTasks = 6;  // at most, that have a letter of their own
using Did = GapPicture::Did;

// What a worker did, as it is drawn and as it is called; by Did.
struct Sign {
  std::string_view utf8, ascii, words;
};
constexpr std::array<Sign, 6> kSigns = {{{"?", "?", "unknown"},
                                         {"·", ".", "idle"},
                                         {"▒", "r", "waits for a CPU"},
                                         {"▄", "+", "on its CPU, not at an item"},
                                         {"█", "#", "executes"},
                                         {"░", "s", "asleep in an item"}}};

std::string_view SignOf(Did did, const TextStyle& style) {
  const Sign& sign = kSigns[static_cast<size_t>(did)];
  return style.utf8 ? sign.utf8 : sign.ascii;
}

// The tasks that had the CPU longest, those first.
struct TaskTimes {
  std::vector<std::pair<Pid, Nanos>> all;
  size_t named = 0;  // of these: had it for a percent of the stall, and have a letter

  explicit TaskTimes(const StallPicture& picture) {
    for (const StallPicture::Run& run : picture.runs) {
      const auto it = std::find_if(all.begin(), all.end(),
                                   [&](const auto& task) { return task.first == run.task.pid; });
      const Nanos length = run.end - run.begin;
      if (it == all.end()) {
        all.emplace_back(run.task.pid, length);
      } else {
        it->second += length;
      }
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    const Nanos least = (picture.timeline.end - picture.timeline.begin) / 100;
    while (named < std::min(all.size(), kNamedTasks) && all[named].second >= least) ++named;
  }
  size_t PlaceOf(Pid pid) const {
    return static_cast<size_t>(std::find_if(all.begin(), all.end(),
                                            [pid](const auto& task) { return task.first == pid; }) -
                               all.begin());
  }
  char LetterOf(size_t place) const { return place < named ? static_cast<char>('A' + place) : 'X'; }
};

// For each cell the letter of the task that had the CPU for most of it; a small one where that was
// less than half.
std::string TasksRow(const StallPicture& picture, size_t cells, const TextStyle& style) {
  const TaskTimes tasks(picture);
  const Timeline& t = picture.timeline;
  const double width = static_cast<double>((t.end - t.begin).count()) / static_cast<double>(cells);
  std::vector<std::vector<double>> time(cells, std::vector<double>(tasks.all.size(), 0));
  for (const StallPicture::Run& run : picture.runs) {
    const size_t place = tasks.PlaceOf(run.task.pid);
    const double from = static_cast<double>((run.begin - t.begin).count()) / width;
    const double to = static_cast<double>((run.end - t.begin).count()) / width;
    for (auto cell = static_cast<size_t>(std::max(0.0, from)); cell < cells; ++cell) {
      const double begin = static_cast<double>(cell);
      const double part = std::min(to, begin + 1) - std::max(from, begin);
      if (part <= 0) break;
      time[cell][place] += part;
    }
  }
  std::string out;
  for (const std::vector<double>& cell : time) {
    const auto most = std::max_element(cell.begin(), cell.end());
    if (most == cell.end() || *most <= 0) {
      out += style.utf8 ? "·" : ".";
      continue;
    }
    const char letter = tasks.LetterOf(static_cast<size_t>(most - cell.begin()));
    out += *most >= 0.5 ? letter : static_cast<char>(letter | 0x20);
  }
  return out;
}

// For each cell what the worker did in most of its parts; what is rarer than idling wins a draw.
std::string StatesRow(const StallPicture::Worker& worker, size_t cells, const TextStyle& style) {
  std::string out;
  for (size_t cell = 0; cell < cells; ++cell) {
    const size_t from = cell * GapPicture::kParts / cells;
    const size_t to = std::max(from + 1, (cell + 1) * GapPicture::kParts / cells);
    std::array<size_t, kSigns.size()> count{};
    for (size_t part = from; part < to; ++part) ++count[static_cast<size_t>(worker.did[part])];
    const auto most = std::max_element(count.rbegin(), count.rend());
    const auto did = static_cast<Did>(count.rend() - most - 1);
    out += SignOf(did, style);
  }
  return out;
}

std::string WorkerLegend(const StallPicture& picture, const TextStyle& style) {
  std::array<bool, kSigns.size()> seen{};
  for (const StallPicture::Worker& worker : picture.workers) {
    for (const Did did : worker.did) seen[static_cast<size_t>(did)] = true;
  }
  std::string out;
  for (size_t i = kSigns.size(); i-- > 0;) {
    if (!seen[i]) continue;
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", SignOf(static_cast<Did>(i), style),
                       kSigns[i].words);
  }
  return out;
}

std::string TaskLegend(const StallPicture& picture, const TextStyle& style) {
  const TaskTimes tasks(picture);
  std::string out;
  for (size_t i = 0; i < tasks.named; ++i) {
    const auto& [pid, time] = tasks.all[i];
    const auto run = std::find_if(picture.runs.begin(), picture.runs.end(),
                                  [pid = pid](const auto& r) { return r.task.pid == pid; });
    out += fmt::format("{}{} {} {}", out.empty() ? "" : ", ", tasks.LetterOf(i),
                       Escaped(TaskText(run->task), !style.utf8), DurationText(time));
  }
  if (tasks.all.size() > tasks.named) out += out.empty() ? "X short runs" : ", X others";
  return out +
         fmt::format("{}{} idle, or not known", out.empty() ? "" : ", ", style.utf8 ? "·" : ".");
}

}  // namespace

std::string PictureText(const StallPicture& picture, Timestamp zero, const TextStyle& style) {
  const Timeline& timeline = picture.timeline;
  if (timeline.bins == 0 || timeline.pools.empty()) return "";
  const TimelinePool& pool = timeline.pools.front();
  const size_t columns = style.columns == 0 ? kWidthOfPipe : style.columns;
  const size_t cells =
      std::max<size_t>(20, columns > kLaneLabel + kTail + 20 ? columns - kLaneLabel - kTail : 20);
  std::string out = AxisRow(timeline, zero, cells);
  const auto legend = [&](const std::string& words) {
    if (words.empty()) return;
    out.append(kLaneLabel, ' ');
    AppendWrapped(out, words, kLaneLabel, columns);
  };
  if (picture.cpu != Cpu::kNone) {
    out += LaneLabel(fmt::format("CPU {}", ToInt(picture.cpu)), style) +
           TasksRow(picture, cells, style) + "\n";
    legend(TaskLegend(picture, style));
  }
  const LaneColumns lanes(timeline, cells);
  if (picture.workers.empty()) {
    for (const TimelineLane& lane : pool.lanes) out += ExecutionRow(lane, lanes, style);
    if (!pool.lanes.empty()) out += LaneLegend(timeline, kLaneLabel, columns, style);
  }
  for (const StallPicture::Worker& worker : picture.workers) {
    std::string_view name = worker.name;
    if (name.starts_with("kworker/")) name.remove_prefix(std::string_view("kworker/").size());
    out +=
        LaneLabel(name.empty() ? fmt::format("{}", ToInt(worker.pid)) : std::string(name), style) +
        StatesRow(worker, cells, style) + "\n";
  }
  if (!picture.workers.empty()) legend(WorkerLegend(picture, style));
  return out + BacklogRow(pool, lanes, style);
}

}  // namespace wqprof
