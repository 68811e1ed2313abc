//! `sim explore --peers`: several processes that explore one world.

use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use expect_test::expect;
use libtest_mimic::Trial;

use super::shards::wait;
use super::{Place, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("together", "as_one", as_one),
        trial("together", "a_violation", a_violation),
        trial("together", "lost_and_resumed", lost_and_resumed),
        trial("together", "refusals", refusals),
        #[cfg(target_os = "linux")]
        trial("together", "in_network_namespaces", namespaces::as_one),
    ]
}

const WIDE: &str = "explore --alike --max-attempts 3 --duplicates 2 --spurious 0 --no-reduction";

/// Addresses of this machine that nobody uses.
fn addresses(count: usize) -> String {
    let listeners: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0").expect("there are ports"))
        .collect();
    let mut lines = String::from("# the processes of an exploration\n\n");
    for listener in &listeners {
        let address = listener.local_addr().expect("it has one");
        lines.push_str(&format!("{address}\n"));
    }
    lines
}

fn begin(place: &Place, arguments: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_sim"))
        .current_dir(place.path(""))
        .args(arguments.split_whitespace())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command can be run")
}

/// Begins all processes; what each is told more may name it.
fn begin_all(
    place: &Place,
    explore: &str,
    count: usize,
    more: impl Fn(usize) -> String,
) -> Vec<Child> {
    place.write("peers", addresses(count));
    let of = |process: usize| {
        let more = more(process);
        begin(
            place,
            &format!("{explore} --jobs 1 --peers peers --process {process} {more}"),
        )
    };
    (0..count).map(of).collect()
}

fn ends(children: Vec<Child>) -> Vec<(Option<i32>, String, String)> {
    let said = |child: Child| {
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().expect("it ends");
        let [out, err] = [stdout, stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        (status.code(), out, err)
    };
    children.into_iter().map(said).collect()
}

fn as_one() {
    let place = Place::new();
    let alone = place.sim(WIDE);
    assert_eq!(alone.code, 0, "{}", alone.err);
    for count in [1, 2, 4] {
        // The first holds little in memory.
        let more = |process: usize| match process {
            0 => "--memory-mib 48".to_owned(),
            _ => String::new(),
        };
        for (code, out, err) in ends(begin_all(&place, WIDE, count, more)) {
            assert_eq!(
                (code, &out),
                (Some(0), &alone.out),
                "{count} processes: {err}"
            );
        }
    }
}

fn a_violation() {
    let place = Place::new();
    place.planted("ok-after-failed");
    let explore = "explore --alike --wasm ok-after-failed.wasm";
    let alone = place.sim(&format!("{explore} --case-dir alone"));
    assert_eq!(alone.code, 1, "{}", alone.err);
    let case = place.list("alone").remove(0);
    let read = |folder: &str| {
        let bytes = std::fs::read(place.path(&format!("{folder}/{case}")));
        bytes.expect("the case is there")
    };
    let folder = |process: usize| format!("--case-dir of-{process}");
    for (process, (code, out, err)) in ends(begin_all(&place, explore, 2, folder))
        .into_iter()
        .enumerate()
    {
        let folder = format!("of-{process}");
        assert_eq!(code, Some(1), "{err}");
        let [out, alone] = [&out, &alone.out].map(|it| it.split_whitespace().collect::<Vec<_>>());
        assert_eq!(out.join(" ").replace(&folder, "alone"), alone.join(" "));
        assert_eq!(read(&folder), read("alone"));
    }
}

/// Whichever is killed: the others say so and end, and all go on together.
fn lost_and_resumed() {
    let place = Place::new();
    let alone = place.sim(WIDE);
    let kept = |process: usize| format!("--checkpoint-dir kept/{process} --resume");
    let mut lost = 0;
    for round in 0..6 {
        let mut children = begin_all(&place, WIDE, 3, kept);
        wait(Duration::from_millis(400 + round * 97 % 700));
        let killed = round as usize % 3;
        children[killed].kill().expect("it can be killed");
        for (process, (code, out, err)) in ends(children).into_iter().enumerate() {
            match code {
                Some(0) => assert_eq!(out, alone.out),
                None => assert_eq!(process, killed),
                code => {
                    assert_eq!((code, &*out), (Some(2), ""), "{err}");
                    // Of three, the second that sees it may be seen to end first by the third.
                    if err.contains("is lost: it has ended") {
                        assert!(err.contains("--resume"), "{err}");
                        lost += usize::from(err.contains(&format!("process {killed} (127.")));
                    }
                }
            }
        }
    }
    assert!(lost > 0, "none was lost");
    for _ in 0..2 {
        for (code, out, err) in ends(begin_all(&place, WIDE, 3, kept)) {
            assert_eq!((code, &out), (Some(0), &alone.out), "{err}");
        }
    }
}

fn refusals() {
    let place = Place::new();
    place.write("none", "# nobody\n");
    place.write("two", addresses(2));
    place.write("bad", "localhost\nlocalhost:70000\n");
    let mut told = String::new();
    for more in [
        "--peers two",
        "--process 1",
        "--peers two --process 2",
        "--peers none --process 0",
        "--peers nowhere --process 0",
        "--peers bad --process 0",
    ] {
        let said = place.sim(&format!("explore --alike {more}"));
        assert_eq!((said.code, &*said.out), (2, ""), "{more}");
        let lines = said.err.lines().take_while(|line| !line.is_empty());
        lines.for_each(|line| told.push_str(&format!("{line}\n")));
    }
    expect![[r#"
        error: the following required arguments were not provided:
          --process <I>
        error: the following required arguments were not provided:
          --peers <FILE>
        error: --process 2: two lists 2, from 0
        error: none: expected a line host:port for each of 1 to 64 processes, found 0
        error: nowhere
          1: No such file or directory (os error 2)
        process 0 of 2 waits for the others
        error: process 0: expected an address like host:port, found `localhost`
        hint: give all processes the same --peers, and each a --process of its own
    "#]]
    .assert_eq(&told);
    // Of another world, and with a port that is taken.
    let differ = |process: usize| format!("--crashes {process}");
    for (code, out, err) in ends(begin_all(&place, WIDE, 2, differ)) {
        assert_eq!((code, &*out), (Some(2), ""), "{err}");
        assert!(
            err.contains("the processes differ: exploration crashes is "),
            "{err}"
        );
        assert!(
            err.contains("hint: give all processes the same world"),
            "{err}"
        );
    }
    let taken = TcpListener::bind("127.0.0.1:0").expect("there are ports");
    let address = taken.local_addr().expect("it has one");
    place.write("taken", format!("{address}\n127.0.0.1:1\n"));
    let said = place.sim("explore --alike --peers taken --process 0");
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("process 0 cannot listen at"),
        "{}",
        said.err
    );
}

#[cfg(target_os = "linux")]
mod namespaces {
    //! Each process in a network namespace of its own: as many machines, with a bridge between them.

    use super::{Place, WIDE, ends};
    use std::process::{Child, Command, Stdio};

    const COUNT: usize = 3;

    /// Namespaces that are removed in the end.
    struct Net(String);

    impl Net {
        /// None where this user may not make them.
        fn new() -> Option<Net> {
            let name = format!("sim{}", std::process::id());
            let net = Net(name);
            let name = &net.0;
            let mut all = vec![
                format!("ip link add {name} type bridge"),
                format!("ip link set {name} up"),
            ];
            for process in 0..COUNT {
                let of = format!("{name}-{process}");
                let [out, within] = [format!("s{process}o{name}"), format!("s{process}i{name}")];
                let [out, within] = [out, within].map(|it| it.chars().take(15).collect::<String>());
                all.extend([
                    format!("ip netns add {of}"),
                    format!("ip link add {out} type veth peer name {within}"),
                    format!("ip link set {out} master {name} up"),
                    format!("ip link set {within} netns {of}"),
                    format!(
                        "ip -n {of} addr add 10.99.0.{}/24 dev {within}",
                        process + 1
                    ),
                    format!("ip -n {of} link set {within} up"),
                    format!("ip -n {of} link set lo up"),
                ]);
            }
            all.iter().all(|command| run(command)).then_some(net)
        }

        fn begin(&self, place: &Place, process: usize) -> Child {
            let sim = env!("CARGO_BIN_EXE_sim");
            let within = format!("ip netns exec {}-{process} {sim} {WIDE} --jobs 1", self.0);
            let arguments = format!("{within} --peers peers --process {process}");
            let mut words = arguments.split_whitespace();
            Command::new(words.next().expect("it begins with a word"))
                .args(words)
                .current_dir(place.path(""))
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the command can be run")
        }
    }

    impl Drop for Net {
        fn drop(&mut self) {
            for process in 0..COUNT {
                run(&format!("ip netns del {}-{process}", self.0));
            }
            run(&format!("ip link del {}", self.0));
        }
    }

    fn run(command: &str) -> bool {
        let mut words = command.split_whitespace();
        let mut command = Command::new(words.next().expect("it begins with a word"));
        let command = command.args(words).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    pub fn as_one() {
        let Some(net) = Net::new() else {
            eprintln!("not tried: no network namespaces can be made here");
            return;
        };
        let place = Place::new();
        let alone = place.sim(WIDE);
        let lines = (1..=COUNT).map(|host| format!("10.99.0.{host}:7070\n"));
        place.write("peers", lines.collect::<String>());
        let children = (0..COUNT).map(|process| net.begin(&place, process));
        for (code, out, err) in ends(children.collect()) {
            assert_eq!((code, &out), (Some(0), &alone.out), "{err}");
        }
    }
}
