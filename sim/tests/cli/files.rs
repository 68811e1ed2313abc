//! What is given as a file and is none: pipes that nobody writes to, devices without an end,
//! folders. Each is refused at once.

use std::fmt::Write;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use expect_test::expect;
use libtest_mimic::Trial;

use super::{CASE, Place, trial};

pub fn trials() -> Vec<Trial> {
    vec![trial("files", "no_regular_files", no_regular_files)]
}

/// What `sim` says on standard error; killed if it takes longer than half a minute.
fn err_in_time(place: &Place, arguments: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sim"))
        .current_dir(place.path(""))
        .args(arguments.split_whitespace())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command can be run");
    for _ in 0..300 {
        if child.try_wait().expect("it is our child").is_some() {
            let output = child.wait_with_output().expect("it has ended");
            return String::from_utf8(output.stderr).expect("output is UTF-8");
        }
        thread::sleep(Duration::from_millis(100));
    }
    child.kill().expect("it is our child");
    let _ = child.wait();
    "it waits".to_owned()
}

fn no_regular_files() {
    let place = Place::new();
    place.world();
    place.write("worlds/pipe/schemas.air.json", "");
    place.write("cases/one.json", CASE);
    let pipe = |name: &str| {
        let path = place.path(name);
        let made = Command::new("mkfifo").arg(path).status();
        assert!(made.is_ok_and(|status| status.success()), "a pipe is made");
    };
    pipe("pipe");
    pipe("worlds/pipe/pipe.air.json");
    let mut found = String::new();
    for command in [
        "check pipe",
        "check worlds/pipe",
        "check --pin --wasm pipe world",
        "check --pin --wasm /dev/zero world",
        "check --pin --wasm world world",
        "run --wasm pipe --world world",
        "explore --wasm /dev/zero --world world",
        "replay cases/one.json --html pipe --world world",
    ] {
        let _ = writeln!(found, "$ sim {command}\n{}", err_in_time(&place, command));
    }
    expect![[r#"
        $ sim check pipe
        error: cannot read the world's folder pipe
          1: Not a directory (os error 20)

        $ sim check worlds/pipe
        error: cannot read worlds/pipe/pipe.air.json
          1: it is a pipe, expected a regular file

        $ sim check --pin --wasm pipe world
        error: cannot read pipe
          1: it is a pipe, expected a regular file

        $ sim check --pin --wasm /dev/zero world
        error: cannot read /dev/zero
          1: it is a device, expected a regular file

        $ sim check --pin --wasm world world
        error: cannot read world
          1: it is a folder, expected a regular file

        $ sim run --wasm pipe --world world
        error: cannot read pipe
          1: it is a pipe, expected a regular file

        $ sim explore --wasm /dev/zero --world world
        error: cannot read /dev/zero
          1: it is a device, expected a regular file

        $ sim replay cases/one.json --html pipe --world world
        error: cannot write pipe
          1: it is a pipe, expected a regular file

    "#]]
    .assert_eq(&found);
}
