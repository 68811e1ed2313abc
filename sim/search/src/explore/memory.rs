//! What an exploration holds, counted while several threads add to it.
//!
//! Counted are the bytes of what is there, not the room that vectors have for more: that is not
//! touched, and takes no memory yet. Tables are counted whole. Nothing is freed or judged here.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What the process takes beside what it explores: the engine, and the code that it compiled.
const PROCESS_BYTES: usize = 24 << 20;

/// What all hold together, against the most that they may.
pub(super) struct Memory {
    most_bytes: usize,
    /// States, keys and ways.
    shared: AtomicUsize,
    /// The values that threads share, each of which has a copy.
    pool: AtomicUsize,
    threads: Vec<AtomicUsize>,
    peak: AtomicUsize,
}

impl Memory {
    pub fn new(most_bytes: usize, threads: usize) -> Memory {
        let mut each = Vec::new();
        each.resize_with(threads, AtomicUsize::default);
        Memory {
            most_bytes,
            shared: AtomicUsize::new(0),
            pool: AtomicUsize::new(0),
            threads: each,
            peak: AtomicUsize::new(0),
        }
    }

    /// Whether there is more than there may be, once the search itself holds so much, and threads
    /// nothing of what they found last.
    pub fn is_full_with(&self, shared: usize) -> bool {
        self.shared.store(shared, Ordering::Relaxed);
        let clear = |bytes: &AtomicUsize| bytes.store(0, Ordering::Relaxed);
        self.threads.iter().for_each(clear);
        self.is_full()
    }

    /// The same once a thread holds so much, of which so much are values.
    pub fn is_full_by(&self, thread: usize, bytes: usize, values: usize) -> bool {
        self.pool.fetch_max(values, Ordering::Relaxed);
        self.threads[thread].store(bytes, Ordering::Relaxed);
        self.is_full()
    }

    pub fn is_full(&self) -> bool {
        let threads = self.threads.iter();
        let threads: usize = threads.map(|bytes| bytes.load(Ordering::Relaxed)).sum();
        let [shared, pool] = [&self.shared, &self.pool].map(|bytes| bytes.load(Ordering::Relaxed));
        let all = PROCESS_BYTES + shared + pool + threads;
        self.peak.fetch_max(all, Ordering::Relaxed);
        all > self.most_bytes
    }

    /// The most that was held at a time.
    pub fn peak_bytes(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }
}
