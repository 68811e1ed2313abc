//! Threads stand for processes: each has its own `Peers`, on ports of 127.0.0.1 that the system
//! gives.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Once};
use std::thread;
use std::time::Duration;

use super::*;
use crate::clock::now;
use crate::greeting::Greeting;

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);
/// By when a loss must be known.
const SOON: Duration = Duration::from_secs(5);

/// In this time all know that a round is complete that one of them has completed. One that is lost
/// before may take the round with it.
const KNOWN: Duration = Duration::from_millis(500);

/// Listeners for so many processes, and their addresses. The ports stay taken.
fn listen(count: usize) -> (Vec<TcpListener>, Vec<String>) {
    let listener = |_| TcpListener::bind("127.0.0.1:0").expect("a free port");
    let listeners: Vec<TcpListener> = (0..count).map(listener).collect();
    let addresses = listeners.iter().map(address_of).collect();
    (listeners, addresses)
}

fn address_of(listener: &TcpListener) -> String {
    listener.local_addr().expect("it is bound").to_string()
}

/// Runs so many processes, each of which does this, and gives what each returns.
fn processes<T: Send>(count: usize, run: impl Fn(Peers) -> T + Sync) -> Vec<T> {
    joining(
        count,
        |_| b"same".to_vec(),
        LONG,
        |joined| run(joined.unwrap_or_else(|error| panic!("{error}"))),
    )
}

/// The same, with a greeting for each and a patience.
fn joining<T: Send>(
    count: usize,
    greeting: impl Fn(usize) -> Vec<u8> + Sync,
    patience: Duration,
    run: impl Fn(Result<Peers, PeersError>) -> T + Sync,
) -> Vec<T> {
    let (listeners, addresses) = listen(count);
    thread::scope(|scope| {
        let start = |(me, listener): (usize, TcpListener)| {
            let (addresses, greeting, run) = (&addresses, &greeting, &run);
            scope.spawn(move || {
                run(Peers::join_at(
                    &listener,
                    addresses,
                    me,
                    &greeting(me),
                    patience,
                ))
            })
        };
        let threads: Vec<_> = listeners.into_iter().enumerate().map(start).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, T>| thread.join().expect("no panic");
        threads.into_iter().map(join).collect()
    })
}

/// A number that depends on all of these, as good as random (SplitMix64).
fn number(parts: &[u64]) -> u64 {
    parts.iter().fold(0, |state, part| {
        let mut x = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    })
}

/// The message of a round: often small, sometimes empty, now and then of many MiB or all zeros.
fn message(round: u64, from: usize, to: usize) -> Vec<u8> {
    let seed = number(&[round, from as u64, to as u64]);
    let size = match seed % 64 {
        0..8 => 0,
        8 => (9 << 20) + (seed >> 32) as usize % 1000,
        9..20 => (seed >> 32) as usize % (1 << 20),
        _ => (seed >> 32) as usize % 300,
    };
    match seed % 7 {
        0 => vec![0; size],
        _ => (0..size as u64)
            .map(|index| (seed.wrapping_add(index.wrapping_mul(0x9e37)) >> 8) as u8)
            .collect(),
    }
}

fn to_all(peers: &Peers, round: u64) -> Vec<Vec<u8>> {
    let to = |to| message(round, peers.me(), to);
    (0..peers.count()).map(to).collect()
}

/// Takes rounds and checks what comes.
fn take_rounds(peers: &mut Peers, rounds: std::ops::Range<u64>) {
    for round in rounds {
        let received = peers
            .exchange(to_all(peers, round))
            .expect("nobody is lost");
        assert_eq!(received.len(), peers.count());
        for (from, received) in received.iter().enumerate() {
            let expected = message(round, from, peers.me());
            assert!(*received == expected, "round {round}, from {from}");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "processes take real time")]
fn sleep(duration: Duration) {
    thread::sleep(duration);
}

/// Why a process cannot join. A thread cannot give away `Peers`.
fn refused(listener: &TcpListener, addresses: &[String], me: usize) -> PeersError {
    Peers::join_at(listener, addresses, me, b"", LONG).expect_err("something is wrong")
}

/// Counts panics on threads of timely's, of which nobody would hear but by what they print.
fn panics_of_timely() -> usize {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let is_timely = |name: &str| name.starts_with("timely:");
            if thread::current().name().is_some_and(is_timely) {
                COUNT.fetch_add(1, Ordering::Relaxed);
            }
            usual(info);
        }));
    });
    COUNT.load(Ordering::Relaxed)
}

/// Who is lost, by an error that must say so.
fn lost_process<T: fmt::Debug>(result: Result<T, PeersError>) -> usize {
    match result {
        Err(PeersError::Lost { process, .. }) => process,
        other => panic!("expected a loss, found {other:?}"),
    }
}

fn rounds_of(count: usize) {
    processes(count, |mut peers| {
        take_rounds(&mut peers, 0..60);
        peers.leave().expect("all leave");
    });
}

#[test]
fn one_process_gets_what_it_sends() {
    let address = ["127.0.0.1:1".to_owned()];
    let mut peers = Peers::join(&address, 0, b"", LONG).expect("nobody else is needed");
    take_rounds(&mut peers, 0..60);
    peers.leave().expect("nobody else is there");
}

#[test]
fn two_processes_get_what_was_sent() {
    rounds_of(2);
}

#[test]
fn three_processes_get_what_was_sent() {
    rounds_of(3);
}

#[test]
fn four_processes_get_what_was_sent() {
    rounds_of(4);
}

/// By `join` itself, with names rather than numbers for the machine, and IPv6 where there is any.
#[test]
fn processes_join_by_addresses() {
    let (listeners, addresses) = listen(2);
    drop(listeners);
    let named = |address: &String| address.replace("127.0.0.1", "localhost");
    let addresses: Vec<String> = addresses.iter().map(named).collect();
    thread::scope(|scope| {
        for me in [1, 0] {
            let addresses = &addresses;
            scope.spawn(move || {
                let mut peers = Peers::join(addresses, me, b"", LONG).expect("both come");
                take_rounds(&mut peers, 0..3);
                peers.leave().expect("both leave");
            });
        }
    });
}

/// One is dropped after some rounds; the others wait for it with messages of many MiB under way.
#[test]
fn a_lost_process_is_told_by_all_others() {
    panics_of_timely();
    let told = processes(4, |mut peers| {
        take_rounds(&mut peers, 0..5);
        if peers.me() == 2 {
            sleep(KNOWN);
            return 2;
        }
        let begun = now();
        let first = lost_process(peers.exchange(vec![vec![7; 3 << 20]; 4]));
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        // Not dropped yet, it tells no loss of its own; what it says stays the same.
        assert_eq!(lost_process(peers.exchange(vec![Vec::new(); 4])), first);
        sleep(Duration::from_millis(500));
        assert_eq!(lost_process(peers.leave()), first);
        first
    });
    assert_eq!(told, [2; 4]);
    sleep(KNOWN);
    assert_eq!(panics_of_timely(), 0);
}

/// In the midst of a large message, which ends with as many zeros as timely's last header has.
#[test]
fn a_process_that_ends_in_a_message_is_lost() {
    panics_of_timely();
    let (mut listeners, addresses) = listen(2);
    let listener = listeners.remove(0);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let mut peers = Peers::join_at(&listener, &addresses, 0, b"", LONG).expect("it comes");
            lost_process(peers.exchange(vec![Vec::new(); 2]))
        });
        let mut socket = greet(&addresses[0], 1, 0, 2, b"");
        let mut header = [0; 48];
        header[31] = 1;
        header[38] = 2;
        socket.write_all(&header).expect("it listens");
        socket.write_all(&[0; 100]).expect("it listens");
        drop(socket);
        assert_eq!(waiting.join().expect("no panic"), 1);
    });
    sleep(KNOWN);
    assert_eq!(panics_of_timely(), 0);
}

/// Says by hand what a process says first, and hears the answer.
fn greet(address: &str, from: usize, to: usize, count: usize, what: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(address).expect("it listens");
    let what = what.to_vec();
    let greeting = Greeting {
        from,
        to,
        count,
        what,
    };
    socket.write_all(&greeting.bytes()).expect("it listens");
    let mut answer = vec![0; greeting.bytes().len() + 1];
    socket.read_exact(&mut answer).expect("it answers");
    socket.write_all(b"+").expect("it listens");
    socket
}

/// The owner of one panics: no other thread does, and the others know.
#[test]
fn a_process_that_panics_is_lost() {
    panics_of_timely();
    let told = processes(3, |mut peers| {
        take_rounds(&mut peers, 0..5);
        if peers.me() == 0 {
            sleep(KNOWN);
            let fall = std::panic::AssertUnwindSafe(move || {
                let _peers = peers;
                std::panic::resume_unwind(Box::new(()));
            });
            std::panic::catch_unwind(fall).expect_err("it panics");
            return 0;
        }
        lost_process(peers.exchange(vec![Vec::new(); 3]))
    });
    assert_eq!(told[0], 0);
    // The second may hear of the third first, which ended as it heard of the first.
    assert!(told[1] != 1 && told[2] != 2, "{told:?}");
    sleep(KNOWN);
    assert_eq!(panics_of_timely(), 0);
}

/// One leaves at once, the others later: nobody is lost, whoever waits.
#[test]
fn leaving_loses_nobody() {
    processes(4, |mut peers| {
        take_rounds(&mut peers, 0..20);
        sleep(Duration::from_millis(300 * peers.me() as u64));
        peers.leave().expect("all leave");
    });
}

/// The thread of one that waits a second for another takes next to no time of a processor.
#[cfg(target_os = "linux")]
#[test]
fn waiting_is_sleeping() {
    let ran_ns = || -> u64 {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux has it");
        let first = text.split(' ').next().expect("it has three numbers");
        first.parse().expect("a number of nanoseconds")
    };
    processes(2, |mut peers| {
        take_rounds(&mut peers, 0..3);
        if peers.me() == 1 {
            sleep(Duration::from_secs(1));
        }
        let before = ran_ns();
        peers.exchange(vec![Vec::new(); 2]).expect("nobody is lost");
        let ran_ms = (ran_ns() - before) / 1_000_000;
        assert!(ran_ms < 100, "{ran_ms} ms");
        peers.leave().expect("both leave");
    });
}

#[test]
fn one_round_more_than_another_is_an_error() {
    processes(2, |mut peers| {
        take_rounds(&mut peers, 0..3);
        match peers.me() {
            0 => peers.leave().expect("the other leaves too"),
            _ => {
                let error = peers.exchange(vec![vec![1; 9 << 20]; 2]);
                assert!(matches!(error, Err(PeersError::Left { process: 0, .. })));
                peers.leave().expect("the other has left");
            }
        }
    });
}

#[test]
fn another_greeting_is_told_by_both() {
    let greeting = |me| format!("I am {me}").into_bytes();
    let errors = joining(2, greeting, LONG, |joined| joined.expect_err("they differ"));
    for (me, error) in errors.into_iter().enumerate() {
        let PeersError::Greeting {
            process,
            mine,
            theirs,
            ..
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!(
            (process, mine, theirs),
            (1 - me, greeting(me), greeting(1 - me))
        );
    }
}

#[test]
fn another_count_is_told_by_both() {
    let (listeners, addresses) = listen(3);
    thread::scope(|scope| {
        let all = scope.spawn(|| refused(&listeners[0], &addresses, 0));
        let two = Peers::join_at(&listeners[1], &addresses[..2], 1, b"", LONG);
        let error = two.expect_err("the counts differ").to_string();
        let expected = format!(
            "process 0 ({}) counts 3 processes, and this one 2",
            addresses[0]
        );
        assert_eq!(error, expected);
        let error = all.join().expect("no panic");
        assert!(matches!(
            error,
            PeersError::Count {
                process: 1,
                mine: 3,
                theirs: 2,
                ..
            }
        ));
    });
}

#[test]
fn a_number_that_is_taken_twice_is_told_by_both() {
    let (listeners, addresses) = listen(3);
    let (other, _) = listen(1);
    thread::scope(|scope| {
        let zero = scope.spawn(|| refused(&listeners[0], &addresses, 0));
        let one = scope.spawn(|| refused(&listeners[1], &addresses, 1));
        sleep(Duration::from_millis(500));
        let error = Peers::join_at(&other[0], &addresses, 1, b"", LONG).expect_err("it is taken");
        let expected = format!("number 1 is taken twice, as {} shows", addresses[0]);
        assert_eq!(error.to_string(), expected);
        let error = zero.join().expect("no panic");
        assert!(
            matches!(error, PeersError::Taken { process: 1, .. }),
            "{error}"
        );
        // Which had waited for process 2.
        assert_eq!(lost_process::<()>(Err(one.join().expect("no panic"))), 0);
    });
}

#[test]
fn another_order_of_addresses_is_told_by_both() {
    let (listeners, addresses) = listen(3);
    let swapped: Vec<String> = [1, 0, 2]
        .map(|process: usize| addresses[process].clone())
        .to_vec();
    thread::scope(|scope| {
        let zero = scope.spawn(|| refused(&listeners[0], &addresses, 0));
        let two = Peers::join_at(&listeners[2], &swapped, 2, b"", LONG).expect_err("another order");
        assert!(
            matches!(
                two,
                PeersError::Order {
                    from: 0,
                    to: 2,
                    me: 2,
                    ..
                }
            ),
            "{two}"
        );
        let zero = zero.join().expect("no panic");
        assert!(
            matches!(
                zero,
                PeersError::Order {
                    from: 2,
                    to: 1,
                    me: 0,
                    ..
                }
            ),
            "{zero}"
        );
    });
}

#[test]
fn another_version_is_told_by_both() {
    let (listeners, addresses) = listen(2);
    thread::scope(|scope| {
        let zero = scope.spawn(|| refused(&listeners[0], &addresses, 0));
        let mut socket = TcpStream::connect(&addresses[0]).expect("it listens");
        let other = [b"sim-peers/2\n".to_vec(), vec![1; 100_000]].concat();
        socket.write_all(&other).expect("it listens");
        socket.shutdown(Shutdown::Write).expect("it is open");
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).expect("it answers");
        assert!(answer.starts_with(form::MAGIC));
        let error = zero.join().expect("no panic");
        assert!(error.to_string().contains("`sim-peers/2`"), "{error}");
    });
}

/// Somebody else's service is where process 0 should be.
#[test]
fn another_service_is_told() {
    let (listeners, addresses) = listen(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut socket, _) = listeners[0].accept().expect("it comes");
            socket
                .write_all(b"HTTP/1.1 400 Bad Request\r\n")
                .expect("it listens");
        });
        let error = Peers::join_at(&listeners[1], &addresses, 1, b"", LONG);
        let error = error.expect_err("it is no process").to_string();
        let expected = format!(
            "process 0 ({}) began with `HTTP/1.1 400`, where `sim-peers/1` was expected: \
             another version, or another service",
            addresses[0]
        );
        assert_eq!(error, expected);
    });
}

/// They come before and while others do. More say nothing than are greeted at once.
#[test]
fn strangers_do_no_harm() {
    let (listeners, addresses) = listen(3);
    let strange = |said: &[u8]| {
        let mut socket = TcpStream::connect(&addresses[0]).expect("it listens");
        socket.write_all(said).expect("it listens");
        socket
    };
    let mut cut = Greeting {
        from: 1,
        to: 0,
        count: 3,
        what: vec![1; 100],
    }
    .bytes();
    cut.pop();
    let said = [
        b"GET / HTTP/1.1\r\n\r\n".as_slice(),
        b"\0",
        b"sim-p",
        &cut,
        b"",
    ];
    said.iter().for_each(|said| drop(strange(said)));
    let _waiting = said.map(strange);
    let _silent: Vec<TcpStream> = (0..70).map(|_| strange(b"")).collect();
    drop(strange(b"sim-peers/1\n"));
    let huge = [
        form::MAGIC.as_slice(),
        &[0, 0, 0, 1],
        &[0; 7],
        &[3],
        &[0xff; 4],
    ]
    .concat();
    let _huge = strange(&huge);
    thread::scope(|scope| {
        for (me, listener) in listeners.iter().enumerate() {
            let addresses = &addresses;
            scope.spawn(move || {
                let peers = Peers::join_at(listener, addresses, me, b"", LONG);
                let mut peers = peers.expect("all come");
                take_rounds(&mut peers, 0..3);
                peers.leave().expect("all leave");
            });
        }
    });
}

#[test]
fn a_missing_process_is_named() {
    let (listeners, mut addresses) = listen(4);
    let patience = Duration::from_millis(700);
    // Nobody listens where process 0 should be, and process 3 does not come.
    addresses[0] = "127.0.0.1:1".to_owned();
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        for (me, listener) in listeners.iter().enumerate().take(3).skip(1) {
            let (addresses, barrier) = (&addresses, &barrier);
            scope.spawn(move || {
                let begun = now();
                let error = Peers::join_at(listener, addresses, me, b"", patience);
                let took = begun.elapsed();
                barrier.wait();
                let error = error.expect_err("some are missing");
                // The other may have given up first.
                if let PeersError::Lost { process, .. } = error {
                    assert_eq!(process, 3 - me);
                    return;
                }
                assert!(took >= patience && took < patience + SOON, "{took:?}");
                let error = error.to_string();
                let named = format!("process 3 ({})", addresses[3]);
                assert!(
                    error.starts_with("after 700ms nobody was there as "),
                    "{error}"
                );
                assert!(error.contains("process 0 (127.0.0.1:1: "), "{error}");
                assert!(error.contains(&named), "{error}");
            });
        }
    });
}

#[test]
fn an_address_in_use_is_named() {
    let (_listeners, addresses) = listen(2);
    let error = Peers::join(&addresses, 1, b"", LONG).expect_err("it is in use");
    let PeersError::Listen {
        process: 1,
        address,
        error,
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!(address, addresses[1]);
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

#[test]
fn what_cannot_be_is_refused_at_once() {
    let addresses = ["a:1", "b:x"].map(str::to_owned);
    let error = |addresses: &[String], me, greeting: &[u8]| {
        let peers = Peers::join(addresses, me, greeting, LONG);
        peers.expect_err("it is refused").to_string()
    };
    let long = vec![0; (1 << 20) + 1];
    assert_eq!(
        [
            error(&addresses, 2, b""),
            error(&addresses, 0, b""),
            error(&addresses, 0, &long),
        ],
        [
            "there is no process 2 among 2, which are counted from 0",
            "process 1: expected an address like host:port, found `b:x`",
            "a greeting of 1048577 bytes is too long: it has at most 1048576",
        ]
    );
}

/// Prints how long rounds take: `cargo test --release -p sim_peers -- --ignored --nocapture`.
#[test]
#[ignore = "it measures"]
fn how_long_rounds_take() {
    for count in [2, 4] {
        processes(count, |mut peers| {
            let mut measure = |rounds: u32, size: usize| {
                let begun = now();
                for _ in 0..rounds {
                    let messages = vec![vec![1; size]; count];
                    peers.exchange(messages).expect("nobody is lost");
                }
                begun.elapsed() / rounds
            };
            let (empty, large) = (measure(5000, 0), measure(10, 16 << 20));
            let mib = (16 * (count - 1)) as f64 / large.as_secs_f64();
            if peers.me() == 0 {
                println!("{count} processes: {empty:?} a round, {mib:.0} MiB/s out of each");
            }
            peers.leave().expect("all leave");
        });
    }
}
