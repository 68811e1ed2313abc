//! The dataflow: one input of pieces, which go to where they are addressed and are put together,
//! and a probe that says when a round is complete. A round is a timestamp.
//!
//! A message goes as pieces, each of which is a container of timely's. Timely would write a
//! `Vec<u8>` as a list of numbers, one at a time; a container of our own is written as it is, and
//! read as a view of what came from the socket. In all, a message is copied once when it is sent
//! and once when it has come. It is cut because timely takes its buffers as large as the largest
//! container that it has seen, and keeps them so. Pieces of one sender come in order, since nothing
//! between two workers changes it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use timely::Accountable;
use timely::WorkerConfig;
use timely::bytes::arc::{Bytes, BytesMut};
use timely::communication::{Allocator, Push};
use timely::container::{CapacityContainerBuilder, NoopBuilder};
use timely::dataflow::channels::pact::DistributorPact;
use timely::dataflow::channels::pushers::exchange::Distributor;
use timely::dataflow::channels::{ContainerBytes, Message};
use timely::dataflow::operators::{Input, Operator, Probe};
use timely::dataflow::{InputHandle, ProbeHandle};
use timely::progress::Stamp;
use timely::worker::Worker;

use crate::clock::now;

/// The most bytes of a piece: timely's buffers have a MiB, and four such pieces with all that is
/// written before them fit into one.
const MOST_OF_A_PIECE: usize = (1 << 18) - 256;
/// The worker looks at least so often whether anything has changed, though it is woken when it has.
const LOOK: Duration = Duration::from_secs(1);

/// What came, by round and sender. Others may be one round ahead.
type Arrived = BTreeMap<(u64, usize), Vec<u8>>;

/// The worker of this process, and its ends of the dataflow.
pub(crate) struct Rounds {
    worker: Worker,
    /// None once this process has left.
    input: Option<InputHandle<u64, NoopBuilder<Parcel>>>,
    probe: ProbeHandle<u64>,
    arrived: Rc<RefCell<Arrived>>,
    /// The round that is next, or that is being taken.
    round: u64,
}

impl Rounds {
    /// Builds the dataflow on the thread of the worker.
    pub(crate) fn new(allocator: Allocator) -> Rounds {
        // Without a time to begin from, a worker never sleeps, but turns round and round.
        let mut worker = Worker::new(WorkerConfig::default(), allocator, Some(now()));
        let mut input = InputHandle::new_with_builder();
        let probe = ProbeHandle::new();
        let arrived = Rc::new(RefCell::new(Arrived::new()));
        let sink = Rc::clone(&arrived);
        worker.dataflow(|scope| {
            let pieces = scope.input_from(&mut input);
            pieces
                .unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(
                    DistributorPact(|_| ByAddress),
                    "arrive",
                    |_, _| {
                        move |input, _| {
                            input.for_each(|capability, parcel: &mut Parcel| {
                                let piece = parcel.0.take();
                                if let (Some(round), Some(piece)) = (capability.least(), piece) {
                                    let mut arrived = sink.borrow_mut();
                                    let message = arrived.entry((*round, piece.from)).or_default();
                                    message.extend_from_slice(&piece.bytes);
                                }
                            });
                        }
                    },
                )
                .probe_with(&probe);
        });
        Rounds {
            worker,
            input: Some(input),
            probe,
            arrived,
            round: 0,
        }
    }

    /// Gives timely the messages of a round, one to each process. That to this process is put
    /// aside.
    pub(crate) fn send(&mut self, me: usize, mut messages: Vec<Vec<u8>>) {
        let Some(input) = &mut self.input else {
            return;
        };
        let count = messages.len();
        let own = std::mem::take(&mut messages[me]);
        self.arrived.borrow_mut().insert((self.round, me), own);
        // Each begins with its next: not all with the first.
        for to in (me + 1..count).chain(0..me) {
            let mut rest = BytesMut::from(std::mem::take(&mut messages[to])).freeze();
            // An empty message is one empty piece: none would be that of a process that has left.
            loop {
                let bytes = rest.extract_to(rest.len().min(MOST_OF_A_PIECE));
                let from = me;
                input.send_batch(&mut Parcel(Some(Piece { to, from, bytes })));
                if rest.is_empty() {
                    break;
                }
            }
        }
        input.advance_to(self.round + 1);
    }

    /// Whether all messages of the round are there.
    pub(crate) fn is_complete(&self) -> bool {
        !self.probe.less_than(&(self.round + 1))
    }

    /// Takes the messages of a complete round, by sender; one that has left sent none.
    pub(crate) fn take(&mut self, count: usize) -> Vec<Option<Vec<u8>>> {
        let mut arrived = self.arrived.borrow_mut();
        let round = self.round;
        self.round += 1;
        (0..count)
            .map(|from| arrived.remove(&(round, from)))
            .collect()
    }

    /// Lets the worker do what there is to do, or sleep until there is something.
    pub(crate) fn step(&mut self) {
        self.worker.step_or_park(Some(LOOK));
    }

    /// Says that no more is sent.
    pub(crate) fn close(&mut self) {
        self.input = None;
    }

    /// Whether all processes have said so.
    pub(crate) fn is_over(&self) -> bool {
        !self.worker.has_dataflows()
    }
}

/// A piece of a message.
#[derive(Clone)]
struct Piece {
    to: usize,
    from: usize,
    bytes: Bytes,
}

/// The container of timely's for a piece, which leaves it empty at times.
#[derive(Clone, Default)]
pub(crate) struct Parcel(Option<Piece>);

impl Accountable for Parcel {
    fn record_count(&self) -> i64 {
        i64::from(self.0.is_some())
    }
}

/// Three little-endian `u64`, sender, receiver and length, the bytes, and zeros up to a multiple of
/// 8 bytes, as timely wants it.
impl ContainerBytes for Parcel {
    fn from_bytes(mut bytes: Bytes) -> Parcel {
        let mut number = || {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes.extract_to(8));
            usize::try_from(u64::from_le_bytes(number)).unwrap_or(usize::MAX)
        };
        let (from, to, length) = (number(), number(), number());
        let bytes = bytes.extract_to(length);
        Parcel(Some(Piece { to, from, bytes }))
    }

    fn length_in_bytes(&self) -> usize {
        let length = self.0.as_ref().map_or(0, |piece| piece.bytes.len());
        24 + length.next_multiple_of(8)
    }

    fn into_bytes<W: Write>(&self, writer: &mut W) {
        let Some(piece) = &self.0 else {
            unreachable!("an empty parcel is not sent");
        };
        let length = piece.bytes.len();
        let zeros = &[0; 8][..length.next_multiple_of(8) - length];
        let mut write = |bytes: &[u8]| {
            let written = writer.write_all(bytes);
            written.expect("timely has as much space as was asked for");
        };
        for number in [piece.from, piece.to, length] {
            write(&(number as u64).to_le_bytes());
        }
        write(&piece.bytes);
        write(zeros);
    }
}

/// Pieces go to where they are addressed, each at once.
struct ByAddress;

impl Distributor<Parcel> for ByAddress {
    fn partition<T: Clone, P: Push<Message<T, Parcel>>>(
        &mut self,
        parcel: &mut Parcel,
        stamp: &Stamp<T>,
        pushers: &mut [P],
    ) {
        if let Some(to) = parcel.0.as_ref().map(|piece| piece.to) {
            Message::push_at(parcel, stamp.clone(), &mut pushers[to]);
        }
    }

    fn flush<T: Clone, P: Push<Message<T, Parcel>>>(&mut self, _: &Stamp<T>, _: &mut [P]) {}
}
