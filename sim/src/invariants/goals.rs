//! Goals: what must happen sometimes, or a campaign tested less than it claims.
//!
//! [`GOALS`] is the one list. A run reaches a goal or does not; a campaign counts the runs.

use super::retry::{Because, Move, Past};
use crate::trace::{Choice, CrashPoint, Recovery, Status, Turn};
use crate::workload::retry::wire::{Event, Pc};

/// Makes the type and the list of goals out of one list.
macro_rules! goals {
    ($($variant:ident $name:literal $says:literal;)*) => {
        /// Something that must happen sometimes.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        enum Goal {
            $($variant,)*
        }

        /// Every goal of a campaign on the retry machine: its name, and what was seen.
        pub const GOALS: [(&str, &str); [$($name),*].len()] = [$(($name, $says)),*];
    };
}

goals! {
    DoneFirstTry "done_first_try" "a request was Done at its first attempt";
    DoneAfterRetry "done_after_retry" "a request was Done after a retry";
    DoneInBackoff "done_in_backoff" "an ok arrived during a wait and ended it";
    FailedAtOnce "failed_at_once" "a terminal error ended a request at its first attempt";
    FailedByExhaustion "failed_by_exhaustion" "a transient error at the last attempt ended a request";
    FailedWithoutRetry "failed_without_retry" "a request with max_attempts 0 or 1 ran out of attempts";
    NextRequest "next_request" "a second request began after the end of the first";
    SecondStartIgnored "second_start_ignored" "a start during a request was ignored";
    RestartIgnored "restart_ignored" "a start of a request that had ended was ignored";
    EndAbsorbs "end_absorbs" "an answer after the end was ignored";
    DuplicateIgnored "duplicate_ignored" "a second copy of an answer was ignored";
    StrayIgnored "stray_ignored" "an event of another request was ignored";
    Reordered "reordered" "a message overtook an older one";
    Redelivered "redelivered" "a dropped message was delivered after all";
    TimerEarly "timer_early" "a timer ended a wait before it was due";
    TimerLate "timer_late" "a timer ended a wait after it was due";
    TimerTwiceIgnored "timer_twice_ignored" "a timer fired a second time and was ignored";
    TimerOutOfOrder "timer_out_of_order" "a timer fired before one that was due earlier";
    TimerErrorAccepted "timer_error_accepted" "a receipt with status error or timeout ended a wait";
    DelaySaturated "delay_saturated" "a timer was set for the end of time";
    CrashRecovered "crash_recovered" "a crash at an event that moved a request, recovered from the journal";
    SnapshotRecovered "snapshot_recovered" "the same, recovered from a snapshot and the rest";
    CrashCutShort "crash_cut_short" "an event that nothing had seen before a crash moved a request";
    DoneByHealing "done_by_healing" "a request ended only after faults had stopped";
}

/// The goals that a run reached, as a set of indices into [`GOALS`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct GoalSet(u32);

impl GoalSet {
    fn reach(&mut self, goal: Goal) {
        self.0 |= 1 << goal as u32;
    }

    /// The goals of both.
    pub fn join(&mut self, other: GoalSet) {
        self.0 |= other.0;
    }

    pub fn contains(self, index: usize) -> bool {
        self.0 >> index & 1 == 1
    }
}

/// The goals that a decision alone reaches.
pub(super) fn of_turn(goals: &mut GoalSet, turn: &Turn) {
    match turn.choice {
        Choice::Deliver(_) if turn.remark.reordered => goals.reach(Goal::Reordered),
        Choice::Redeliver(_) => goals.reach(Goal::Redelivered),
        Choice::Fire { .. } if turn.remark.reordered => goals.reach(Goal::TimerOutOfOrder),
        _ => {}
    }
}

/// The goals that a step of the machine reaches, before the history has recorded it.
pub(super) fn of_move(goals: &mut GoalSet, past: &Past<'_>, turn: &Turn, step: &Move<'_>) {
    let due = &step.due;
    if due.is_nothing() {
        return ignored(goals, past, turn, step);
    }
    let Some(request) = &past.request else {
        return;
    };
    crashed(goals, turn, step);
    match due.because {
        Because::OtherEnded => goals.reach(Goal::NextRequest),
        Because::WorkDone => goals.reach(match (past.phase, request.requested) {
            (Pc::Backoff, _) => Goal::DoneInBackoff,
            (_, 1) => Goal::DoneFirstTry,
            _ => Goal::DoneAfterRetry,
        }),
        Because::Terminal if request.requested == 1 => goals.reach(Goal::FailedAtOnce),
        Because::LastAttempt => {
            goals.reach(Goal::FailedByExhaustion);
            if request.max_attempts <= 1 {
                goals.reach(Goal::FailedWithoutRetry);
            }
        }
        Because::TimerAwaited => timer_accepted(goals, turn),
        _ => {}
    }
    if due.phase.is_end() && step.is_healing() {
        goals.reach(Goal::DoneByHealing);
    }
    if step
        .timer
        .is_some_and(|timer| timer.deliver_at_ns == u64::MAX)
    {
        goals.reach(Goal::DelaySaturated);
    }
}

/// The turn moved a request, perhaps with a crash on the way.
fn crashed(goals: &mut GoalSet, turn: &Turn, step: &Move<'_>) {
    let Choice::Crash {
        point, recovery, ..
    } = &turn.choice
    else {
        return;
    };
    match recovery {
        Recovery::Snapshot if step.has_snapshot() => goals.reach(Goal::SnapshotRecovered),
        _ => goals.reach(Goal::CrashRecovered),
    }
    if *point == CrashPoint::AfterAppend {
        goals.reach(Goal::CrashCutShort);
    }
}

fn timer_accepted(goals: &mut GoalSet, turn: &Turn) {
    if turn.remark.early {
        goals.reach(Goal::TimerEarly);
    }
    if turn.remark.late {
        goals.reach(Goal::TimerLate);
    }
    if matches!(
        turn.choice,
        Choice::Fire {
            status: Status::Error | Status::Timeout,
            ..
        }
    ) {
        goals.reach(Goal::TimerErrorAccepted);
    }
}

fn ignored(goals: &mut GoalSet, past: &Past<'_>, turn: &Turn, step: &Move<'_>) {
    match &step.event {
        Event::Start(_) if past.phase.is_end() => goals.reach(Goal::RestartIgnored),
        Event::Start(_) => goals.reach(Goal::SecondStartIgnored),
        Event::Timer(_) if turn.remark.repeated => goals.reach(Goal::TimerTwiceIgnored),
        Event::Ok { .. } | Event::Err { .. } => {
            match step.due.because {
                Because::AnotherRequest => goals.reach(Goal::StrayIgnored),
                Because::EndedAlready => goals.reach(Goal::EndAbsorbs),
                _ => {}
            }
            if turn.remark.repeated {
                goals.reach(Goal::DuplicateIgnored);
            }
        }
        Event::Timer(_) => {}
    }
}
