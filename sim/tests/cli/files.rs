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
    vec![
        trial("files", "no_regular_files", no_regular_files),
        trial("files", "pages_of_others", pages_of_others),
    ]
}

/// What `sim` says on standard error; killed if it takes longer than half a minute.
#[expect(clippy::disallowed_methods, reason = "a trial waits for a process")]
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
    place.write("piped/one.json", CASE);
    pipe("piped/two.json");
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
        "replay pipe --world world",
        "shrink pipe --world world",
        "coverage pipe --world world",
        "replay piped --world world",
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

        $ sim replay pipe --world world
        error: pipe
          1: cannot read it
          2: it is a pipe, expected a regular file

        $ sim shrink pipe --world world
        error: pipe
          1: cannot read it
          2: it is a pipe, expected a regular file

        $ sim coverage pipe --world world
        error: pipe
          1: cannot read it
          2: it is a pipe, expected a regular file

        $ sim replay piped --world world
        error: piped/two.json
          1: cannot read it
          2: it is a pipe, expected a regular file

    "#]]
    .assert_eq(&found);
}

/// A page replaces a page, and nothing else; that it cannot be written is told before anything
/// runs.
fn pages_of_others() {
    let place = Place::new();
    place.world();
    place.write("one.json", CASE);
    let run = "run --world world --seeds 0..3 --html";
    assert_eq!(place.sim(&format!("{run} pages")).code, 0);
    assert_eq!(place.sim(&format!("{run} pages")).code, 0);
    place.write("site/index.html", "<!doctype html><title>mine</title>");
    place.write("folder/index.html/file", "");
    place.write("file", "");
    std::os::unix::fs::symlink("one.json", place.path("link.html")).expect("it can be made");
    for (command, error) in [
        (
            format!("{run} site"),
            "site/index.html is there and is no page of sim: remove it, or choose another place",
        ),
        (
            format!("{run} folder"),
            "cannot write folder/index.html\n  1: it is a folder, expected a regular file",
        ),
        (
            format!("{run} file"),
            "cannot make the folder file\n  1: File exists (os error 17)",
        ),
        (
            "replay one.json --world world --html one.json".to_owned(),
            "one.json is there and is no page of sim: remove it, or choose another place",
        ),
        (
            "replay one.json --world world --html link.html".to_owned(),
            "link.html is there and is no page of sim: remove it, or choose another place",
        ),
        (
            "replay one.json --world world --html nowhere/page.html".to_owned(),
            "cannot write nowhere/page.html\n  1: entity not found",
        ),
    ] {
        let said = place.sim(&command);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{command}");
        assert_eq!(said.err.trim_end(), format!("error: {error}"), "{command}");
    }
    let kept = std::fs::read_to_string(place.path("one.json")).expect("it can be read");
    assert_eq!(kept, CASE);
    // Nothing is left over.
    assert_eq!(place.list("pages"), ["index.html"]);
}
