//! Schemas that are built into AIR, as far as reducers meet them.
//!
//! Owns their shapes, and nothing of what a host does with them.

/// The effect that asks for a timer. Its receipt comes back as a [`TimerFired`].
pub const TIMER_SET: &str = "timer.set";
/// The effect that stores bytes.
pub const BLOB_PUT: &str = "blob.put";
/// The effect that fetches bytes.
pub const BLOB_GET: &str = "blob.get";

crate::record! {
    /// `sys/TimerSetParams@1`: what is asked for.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct TimerSet<'a> {
        /// When it is due, in nanoseconds.
        pub deliver_at_ns: u64,
        /// Whose it is; comes back with the receipt.
        pub key: Option<&'a str>,
    }
}

crate::record! {
    /// `sys/TimerSetReceipt@1`: what was done.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct TimerSetReceipt<'a> {
        /// When it fired, in nanoseconds.
        pub delivered_at_ns: u64,
        /// The key that was given.
        pub key: Option<&'a str>,
    }
}

crate::record! {
    /// `sys/TimerFired@1`: a timer's end, as an event.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct TimerFired<'a> {
        /// The hash of what was asked for.
        pub intent_hash: &'a str,
        /// Who asked.
        pub reducer: &'a str,
        /// [`TIMER_SET`].
        pub effect_kind: &'a str,
        /// What carried it out.
        pub adapter_id: &'a str,
        /// `ok`, `error` or `timeout`.
        pub status: &'a str,
        /// What had been asked for.
        pub requested: TimerSet<'a>,
        /// What was done.
        pub receipt: TimerSetReceipt<'a>,
        /// What it cost.
        pub cost_cents: Option<u64>,
        /// By whoever carried it out.
        pub signature: &'a [u8],
    }
}

crate::record! {
    /// `sys/BlobPutParams@1`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct BlobPut<'a> {
        /// The hash of the bytes.
        pub blob_ref: &'a str,
        /// What is to be stored.
        pub bytes: &'a [u8],
    }
}

crate::record! {
    /// `sys/BlobGetParams@1`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct BlobGet<'a> {
        /// The hash of the bytes.
        pub blob_ref: &'a str,
    }
}

crate::record! {
    /// `sys/ReducerContext@1`: what a host says around an event, for a module that declares it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ReducerContext<'a> {
        /// The time, in nanoseconds.
        pub now_ns: u64,
        /// The time that only goes on with events, in nanoseconds.
        pub logical_now_ns: u64,
        /// How many records the journal has.
        pub journal_height: u64,
        /// 64 bytes to draw from.
        pub entropy: &'a [u8],
        /// The hash of the event.
        pub event_hash: &'a str,
        /// The hash of the manifest.
        pub manifest_hash: &'a str,
        /// The name of this reducer.
        pub reducer: &'a str,
        /// The key of the cell.
        pub key: Option<&'a [u8]>,
        /// Whether the reducer is keyed.
        pub cell_mode: bool,
    }
}
