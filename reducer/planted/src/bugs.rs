//! The list of planted bugs: number, name, and what is wrong. The only such list.

/// Makes the type and the table out of one list.
macro_rules! bugs {
    ($($(#[doc = $says:literal])* $number:literal $variant:ident $name:literal;)*) => {
        /// A planted bug; its number is what selects it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Bug {
            /// No bug: the shipped machine.
            None = 0,
            $($(#[doc = $says])* $variant = $number,)*
        }

        /// The number and the name of each bug, in order; 0, no bug, is not among them.
        pub const BUGS: &[(u8, &str)] = &[$(($number, $name)),*];

        /// What is wrong with each of [`BUGS`], in the same order; a space is before each line.
        pub const SAYS: &[&str] = &[$(concat!($($says),*)),*];

        impl Bug {
            /// The bug of that number, 0 being none.
            pub fn from_number(number: u8) -> Option<Bug> {
                match number {
                    0 => Some(Bug::None),
                    $($number => Some(Bug::$variant),)*
                    _ => Option::None,
                }
            }
        }
    };
}

bugs! {
    /// A transient error at the last attempt is retried once more.
    1 AttemptLimitOffByOne "attempt-limit-off-by-one";
    /// The k-th wait is `2^k` times the base delay, not `2^(k-1)`.
    2 ExponentOffByOne "exponent-off-by-one";
    /// An `ok` after Failed makes the request Done.
    3 OkAfterFailed "ok-after-failed";
    /// A late or second `err` in Backoff counts as if in Working: it asks for a second timer.
    4 ErrCountedInBackoff "err-counted-in-backoff";
    /// In Backoff any timer ends the wait, whatever its key and instant.
    5 AnyTimerAccepted "any-timer-accepted";
    /// An `ok` of another request ends this one.
    6 OkOfAnotherRequest "ok-of-another-request";
    /// The backoff formula wraps where it should saturate.
    7 BackoffWraps "backoff-wraps";
    /// A second `start` of the same request in Working or Backoff begins it anew.
    8 SecondStartResets "second-start-resets";
    /// Timers are asked for without a key (and awaited without one).
    9 TimerWithoutKey "timer-without-key";
    /// A `start` of the same request after Done is accepted.
    10 RestartAfterDone "restart-after-done";
    /// The payload is empty from the second attempt on.
    11 PayloadLostOnRetry "payload-lost-on-retry";
    /// The attempt is counted at the `err`, before the wait is computed, not at the timer.
    12 AttemptCountedAtErr "attempt-counted-at-err";
    /// The payload in the state gets a byte longer with each ignored event.
    13 StateGrows "state-grows";
    /// An `err` in Backoff, which is spurious, traps.
    14 TrapInBackoffStale "trap-in-backoff-stale";
    /// The numbers of `start` are cut to 32 bits.
    15 NatTruncated "nat-truncated-to-32-bits";
    /// Each wait asks for its timer twice, in one step.
    16 TwoTimers "two-timers";
    /// `WorkRequested` has the payload where the request's id should be.
    17 WrongReqIdInIntent "wrong-req-id-in-intent";
    /// A terminal `err` in Working never returns.
    18 LoopsForever "loops-for-ever-on-terminal-err";
    /// A second `start` of the same request takes all the memory there is, then traps.
    19 MemoryHog "memory-hog";
    /// A timer's receipt with status `error` does not end the wait.
    20 TimerStatusErrorIgnored "timer-status-error-ignored";
    /// Every 50th step of an instance ignores its event: a counter that is not in the state.
    21 HiddenState "hidden-state";
    /// What `alloc` gave is never free again. Not a violation before the memory limit.
    22 Leaks "leaks";
    /// A timer that looks like the one awaited begins the next attempt in Working too.
    23 TimerAcceptedWhenWorking "timer-accepted-when-working";
    /// Timers are asked for as `blob.put`, a kind that the module does not declare.
    24 UndeclaredEffectKind "undeclared-effect-kind";
    /// An answer without an id counts for whichever request is under way, and any answer counts
    /// for a request whose own id is empty.
    25 EmptyReqIdMatchesAny "empty-req-id-matches-any";
    /// A terminal `err` in Working is ignored: the request waits for ever.
    26 TerminalErrIgnored "terminal-err-ignored";
    /// An `ok` in Working is ignored from the second attempt on.
    27 OkIgnoredAfterRetry "ok-ignored-after-retry";
    /// A timer's receipt with status `timeout` does not end the wait before the last attempt.
    28 TimerTimeoutIgnoredAtLastWait "timer-timeout-ignored-at-last-wait";
    /// A `start` of another request in Backoff begins that one, and the present one is forgotten.
    29 StartAcceptedInBackoff "start-accepted-in-backoff";
    /// Once an instance has seen two `start`, the `err` of a first attempt counts as terminal: a
    /// counter that is not in the state.
    30 HiddenStart "hidden-start";
    /// A terminal `err` counts as a transient one.
    31 TerminalErrRetried "terminal-err-retried";
    /// An `ok` in Backoff is ignored from the second wait on.
    32 OkRefusedInLaterWait "ok-refused-in-later-wait";
    /// After Failed a `start` of another request is ignored.
    33 StartAfterFailedDropped "start-after-failed-dropped";
    /// The last transient `err` ends the request and asks for a timer all the same.
    34 TimerAfterTheEnd "timer-after-the-end";
    /// An `ok` ends the request and asks for the work once more.
    35 WorkAfterTheEnd "work-after-the-end";
    /// A `start` without a payload is ignored.
    36 StartWithoutPayloadDropped "start-without-payload-dropped";
    /// A `start` at an instant that a signed number of 64 bits does not hold is ignored.
    37 StartAboveI64Dropped "start-above-i64-dropped";
    /// The shift that doubles the delay wraps at 32.
    38 ShiftWrapsAt32 "shift-wraps-at-32";
    /// The shift that doubles the delay wraps at 64.
    39 ShiftWrapsAt64 "shift-wraps-at-64";
    /// The `err` of attempt 28 traps.
    40 TrapAtAttempt28 "trap-at-attempt-28";
    /// Ids are compared without case.
    41 IdsWithoutCase "ids-without-case";
    /// An id that begins another is taken for it.
    42 IdsByPrefix "ids-by-prefix";
    /// Ids are compared without white space around them.
    43 IdsTrimmed "ids-trimmed";
    /// Ids are compared in one Unicode normal form.
    44 IdsInOneForm "ids-in-one-form";
    /// Of long ids the first 64 bytes are compared.
    45 IdsCutTo64Bytes "ids-cut-to-64-bytes";
    /// Ids are compared by a hash of 32 bits.
    46 IdsByHash "ids-by-hash";
    /// Ids that are numbers are compared as numbers.
    47 IdsAsNumbers "ids-as-numbers";
    /// Ids are compared up to their first NUL.
    48 IdsUpToNul "ids-up-to-nul";
    /// From the second attempt on a payload has 4,096 bytes at most.
    49 PayloadCutOnRetry "payload-cut-on-retry";
    /// The next request waits as long as the one before it would have.
    50 NextKeepsDelay "next-request-keeps-the-delay";
}
