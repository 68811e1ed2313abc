//! What is refused before a first step, and in which words.

use std::error::Error;

use expect_test::expect;
use libtest_mimic::Trial;
use sim::air::Hash;
use sim::host::{Code, Limits, LoadError};

use super::{ECHO, assemble, guest, guest_text, load, small, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("load", "what_is_no_module", what_is_no_module),
        trial("load", "every_truncation", every_truncation),
        trial("load", "too_large", too_large),
        trial("load", "imports", imports),
        trial("load", "many_imports", many_imports),
        trial("load", "exports", exports),
        trial("load", "names_are_no_orders", names_are_no_orders),
        trial("load", "features", features),
        trial("load", "sizes", sizes),
        trial("load", "start_function", start_function),
        trial("load", "hash_and_limits", hash_and_limits),
    ]
}

/// The message and those of its causes.
fn refusal(wasm: &[u8]) -> String {
    let error = Code::load(wasm, small(), None)
        .err()
        .expect("the load must fail");
    message(&error)
}

fn message(error: &LoadError) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn refusals(texts: &[String]) -> String {
    texts
        .iter()
        .map(|text| refusal(&assemble(text)) + "\n")
        .collect()
}

fn what_is_no_module() {
    let echo = assemble(&guest_text(ECHO));
    let component = b"\0asm\x0d\0\x01\0";
    let found: String = [
        &b""[..],
        b"(module)",
        b"\x7fELF\x02\x01\x01\0",
        b"\0asm\x02\0\0\0",
        component,
        &echo[..3],
        &echo[..6],
        &echo[..echo.len() - 3],
        &[&echo[..], b"\x63"].concat(),
    ]
    .iter()
    .map(|wasm| refusal(wasm) + "\n")
    .collect();
    expect![[r#"
        not a valid core wasm module: it is truncated in its header
        not a valid core wasm module: expected it to begin with `\0asm`; text format must be assembled first
        not a valid core wasm module: expected it to begin with `\0asm`; text format must be assembled first
        not a valid core wasm module: expected version 1 of the format, found another
        not a valid core wasm module: it is a component; expected the core module
        not a valid core wasm module: it is truncated in its header
        not a valid core wasm module: it is truncated in its header
        not a valid core wasm module: unexpected end-of-file (at offset 0x46)
        not a valid core wasm module: unexpected end-of-file (at offset 0x4d)
    "#]].assert_eq(&found);
}

/// No prefix of a module is a reducer, and none gives anything but an error.
fn every_truncation() {
    let echo = assemble(&guest_text(ECHO));
    for length in 0..echo.len() {
        let error = Code::load(&echo[..length], small(), None)
            .err()
            .expect("a prefix must fail");
        assert!(
            matches!(
                error,
                LoadError::NotWasm { .. } | LoadError::MissingExport { .. }
            ),
            "{length} bytes: {error}"
        );
    }
}

fn too_large() {
    let echo = assemble(&guest_text(ECHO));
    let limits = Limits {
        wasm_bytes: echo.len() - 1,
        ..small()
    };
    let error = Code::load(&echo, limits, None)
        .err()
        .expect("the load must fail");
    assert!(matches!(error, LoadError::TooLarge { .. }), "{error}");
    let limits = Limits {
        wasm_bytes: echo.len(),
        ..small()
    };
    Code::load(&echo, limits, None).expect("exactly the limit is fine");
}

fn imports() {
    let text = r#"(module
        (import "env" "now" (func (result i64)))
        (import "wasi_snapshot_preview1" "a\0ab" (func))
        (import "env" "memory" (memory 1)))"#;
    expect![[r#"expected no imports, found 3 (env::now, wasi_snapshot_preview1::a\nb, env::memory); build for wasm32-unknown-unknown, no host calls"#]].assert_eq(&refusal(&assemble(text)));
}

fn many_imports() {
    let imports: String = (0..1000)
        .map(|index| format!(r#"(import "env" "f{index}" (func))"#))
        .collect();
    let wasm = assemble(&format!("(module {imports})"));
    let Some(LoadError::Imports { imports }) = Code::load(&wasm, small(), None).err() else {
        panic!("a module with imports must be refused for them");
    };
    assert_eq!(imports.len(), 1000);
    let message = LoadError::Imports { imports }.to_string();
    assert!(message.len() < 400, "{message}");
    assert!(message.contains("env::f15, and 984 more"), "{message}");
}

fn exports() {
    let memory = r#"(memory (export "memory") 1)"#;
    let alloc = r#"(func (export "alloc") (param i32) (result i32) (i32.const 0))"#;
    let found = refusals(&[
        "(module)".to_owned(),
        format!("(module {memory})"),
        format!("(module {memory} {alloc})"),
        r#"(module (func (export "memory")))"#.to_owned(),
        format!(r#"(module {memory} (global (export "alloc") i32 (i32.const 0)))"#),
        format!(r#"(module {memory} (func (export "alloc") (param i64)))"#),
        format!(r#"(module {memory} {alloc} (func (export "step") (param i32 i32)))"#),
        format!(r#"(module {memory} {alloc} (func (export "step") (param i32 i32 i64)))"#),
        format!(r#"(module {memory} {alloc} (table (export "step") 1 funcref))"#),
        format!(r#"(module {memory} {alloc} (memory (export "step") 1))"#),
    ]);
    expect![[r#"
        export `memory` is missing: expected a memory
        export `alloc` is missing: expected func (i32) -> (i32)
        export `step` is missing: expected func (i32, i32, i32) -> () or func (i32, i32) -> (i32, i32)
        export `memory`: expected a memory, found func () -> ()
        export `alloc`: expected func (i32) -> (i32), found a global of type i32
        export `alloc`: expected func (i32) -> (i32), found func (i64) -> ()
        export `step`: expected func (i32, i32, i32) -> () or func (i32, i32) -> (i32, i32), found func (i32, i32) -> ()
        export `step`: expected func (i32, i32, i32) -> () or func (i32, i32) -> (i32, i32), found func (i32, i32, i64) -> ()
        export `step`: expected func (i32, i32, i32) -> () or func (i32, i32) -> (i32, i32), found a table
        not a valid core wasm module: multiple memories (at offset 0x16)
    "#]].assert_eq(&found);
}

/// The engine quotes a name in full and as it is, which must not reach a terminal.
fn names_are_no_orders() {
    let twice = |name: &str| {
        let export = format!(r#"(func (export "{name}"))"#);
        format!("(module {export} {export})")
    };
    let found = refusals(&[twice(r"\1b[2J\0a\e2\80\ae"), twice(&"long ".repeat(10_000))]);
    expect![[r#"
        not a valid core wasm module: duplicate export name `\u{1b}[2J \u{202e}` already defined (at offset 0x21)
        not a valid core wasm module: duplicate export name `long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long lo…
    "#]].assert_eq(&found);
}

/// Proposals that are switched off; each is a valid module elsewhere.
fn features() {
    let found = refusals(&[
        guest_text(&format!("{ECHO} (memory 1 1 shared)")),
        r#"(module (memory (export "memory") 1 1 shared))"#.to_owned(),
        r#"(module (memory (export "memory") i64 1))"#.to_owned(),
        guest_text(&format!("{ECHO} (memory 1)")),
        guest_text(&format!("{ECHO} (func $loop return_call $loop)")),
        guest_text(&format!(
            "{ECHO} (func (param v128) (result v128) \
             (i8x16.relaxed_swizzle (local.get 0) (local.get 0)))"
        )),
        guest_text(&format!("{ECHO} (tag) (func (throw 0))")),
        guest_text(&format!("{ECHO} (type (struct (field i32)))")),
        guest_text(&format!("{ECHO} (table 1 funcref) (table 1 funcref)")),
    ]);
    expect![[r#"
        not a valid core wasm module: multiple memories (at offset 0x1e)
        unsupported wasm module: threads must be enabled for shared memories (at offset 0xb)
        unsupported wasm module: memory64 must be enabled for 64-bit memories (at offset 0xb)
        not a valid core wasm module: multiple memories (at offset 0x1e)
        unsupported wasm module: tail calls support is not enabled (at offset 0x52)
        unsupported wasm module: relaxed SIMD support is not enabled (at offset 0x58)
        unsupported wasm module: exceptions proposal not enabled (at offset 0x27)
        not a valid core wasm module: struct indexed types not supported without the gc feature (at offset 0xb)
        unsupported wasm module: module table does not fit in pooling allocator requirements: defined tables count of 2 exceeds the per-instance limit of 1
    "#]].assert_eq(&found);
}

/// Valid modules that ask for more than the limits from the start.
fn sizes() {
    let globals = "(global (mut v128) (v128.const i64x2 0 0))".repeat(70_000);
    let found = refusals(&[
        r#"(module (memory (export "memory") 17))"#.to_owned(),
        guest_text(&format!("{ECHO} (table 65537 funcref)")),
        guest_text(&format!("{ECHO} {globals}")),
        guest_text(&format!(r#"{ECHO} (data (i32.const 65535) "ab")"#)),
    ]);
    expect![[r#"
        unsupported wasm module: module memory does not fit in pooling allocator requirements: memory index 0 is unsupported in this pooling allocator configuration: memory has a minimum byte size of 1114112 which exceeds the limit of 0x100000 bytes
        unsupported wasm module: module table does not fit in pooling allocator requirements: table index 0 has a minimum element size of 65537 which exceeds the limit of 65536
        too costly to compile: the module has 70000 globals at byte 0x25, the limit is 5000; split it, or build for size
        a fresh instance can't be made: reducer trapped: out of bounds memory access
    "#]].assert_eq(&found);
    load(&guest_text(&format!("{ECHO} (table 65536 funcref)"))).expect("exactly the limit");
}

fn start_function() {
    let found = refusals(&[
        guest_text(&format!(
            "{ECHO} (func $start (loop (br 0))) (start $start)"
        )),
        guest_text(&format!("{ECHO} (func $start unreachable) (start $start)")),
        guest_text(&format!(
            "{ECHO} (func $start (drop (memory.grow (i32.const 16)))) (start $start)"
        )),
    ]);
    expect![[r#"
        a fresh instance can't be made: reducer used up its 100000 units of fuel; in start; raise the fuel per step, or look for a loop
        a fresh instance can't be made: reducer trapped: wasm `unreachable` instruction executed; in start
        a fresh instance can't be made: reducer asked for 1114112 bytes of memory, its limit is 1048576; in start
    "#]].assert_eq(&found);
}

fn hash_and_limits() {
    let code = guest(ECHO);
    assert_eq!(code.hash(), Hash::of(&assemble(&guest_text(ECHO))));
    assert_eq!(code.limits(), &small());
}
