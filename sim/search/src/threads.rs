//! Threads that share some work, as many as can be had.
//!
//! What the work is and how its parts come together is the caller's: the results are the same for
//! any number of threads.

use std::thread::{Builder, Scope};

/// Begins each of these on a thread of its own, and gives how many began. Where a thread cannot be
/// had, those before it are enough.
pub fn begin<'scope, Work: FnOnce() + Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    works: impl Iterator<Item = Work>,
) -> usize {
    let begun = works.map_while(|work| Builder::new().spawn_scoped(scope, work).ok());
    begun.count()
}
