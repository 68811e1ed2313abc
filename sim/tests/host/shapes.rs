//! Small modules that would keep the compiler busy for seconds or minutes, refused for their shape.
//!
//! Each comes in two sizes: one that is within all bounds and loads, and a larger one.

use expect_test::expect;
use libtest_mimic::Trial;
use sim::host::{Code, Limits, LoadError};

use super::{ECHO, assemble, guest_text, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("shapes", "functions", functions),
        trial("shapes", "sections", sections),
        trial("shapes", "place_and_way_out", place_and_way_out),
        trial("shapes", "invalid_at_its_end", invalid_at_its_end),
    ]
}

fn load(fields: &str) -> Result<Code, LoadError> {
    let wasm = assemble(&guest_text(&format!("{ECHO} {fields}")));
    Code::load(&wasm, Limits::default(), None)
}

/// `make` gives a module's fields for a size: `fits` is loaded, `fails` is not.
fn bound(make: fn(usize) -> String, (fits, fails): (usize, usize)) -> String {
    load(&make(fits)).unwrap_or_else(|error| panic!("{fits} must fit: {error}"));
    match load(&make(fails)) {
        Ok(_) => panic!("{fails} must be refused: {}", &make(1)),
        Err(error @ LoadError::TooCostly { .. }) => format!("{error}\n"),
        Err(error) => panic!("{error}"),
    }
}

fn many(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect()
}

/// A function with `locals` numbers.
fn function(locals: usize, body: &str) -> String {
    let locals = "i32 ".repeat(locals);
    format!("(func $shape (param $p i32) (local {locals}) {body})")
}

/// Blocks in each other that take and give as many values as there are blocks.
fn values_in_blocks(size: usize) -> String {
    let values = "i32 ".repeat(size);
    format!(
        "(func $shape {} {} {} {} {})",
        "i32.const 1 ".repeat(size),
        format!("block (param {values}) (result {values}) ").repeat(size),
        many(size, |depth| format!("i32.const 0 br_if {depth} ")),
        "end ".repeat(size),
        "drop ".repeat(size)
    )
}

/// Loops in a row that take and give values.
fn values_in_loops(size: usize) -> String {
    let values = "i32 ".repeat(100);
    format!(
        "(func $shape {} {} {})",
        "i32.const 1 ".repeat(100),
        format!("loop (param {values}) (result {values}) end ").repeat(size),
        "drop ".repeat(100)
    )
}

/// Calls that take and give values.
fn values_in_calls(size: usize) -> String {
    let values = "i32 ".repeat(200);
    format!(
        "(func $shape (param {values}) (result {values}) {})
        (func {} {} {})",
        many(200, |index| format!("local.get {index} ")),
        "i32.const 1 ".repeat(200),
        "call $shape ".repeat(size),
        "drop ".repeat(200)
    )
}

fn loops_in_loops(size: usize) -> String {
    function(0, &("loop ".repeat(size) + &"end ".repeat(size)))
}

/// Loops in each other, around what changes many locals.
fn locals_in_loops(size: usize) -> String {
    let change = many(100, |local| {
        format!("(local.set {local} (i32.add (local.get {local}) (i32.const 1)))")
    });
    let again = "local.get 0 br_if 0 end ";
    let (begin, end) = ("loop ".repeat(size), again.repeat(size));
    function(100, &format!("{begin} {change} {end}"))
}

fn conditions_in_a_row(size: usize) -> String {
    function(0, &"(if (local.get 0) (then)) ".repeat(size))
}

fn conditions_in_each_other(size: usize) -> String {
    let (begin, end) = ("local.get 0 if ".repeat(size), "end ".repeat(size));
    function(0, &format!("{begin} {end}"))
}

/// Many ways out of one block, each with other values of many locals.
fn ways_out(size: usize) -> String {
    let change = many(size, |local| {
        let local = local + 1;
        format!("(br_if 0 (local.get 0)) (local.set {local} (i32.const {local}))")
    });
    let read = many(size, |local| format!("(drop (local.get {}))", local + 1));
    function(size, &format!("(block {change}) {read}"))
}

/// A value at each depth of conditions, which goes through all of them.
fn values_out_of_conditions(size: usize) -> String {
    let change = many(size, |local| {
        format!("local.get 0 if i32.const 1 local.set {} ", local + 1)
    });
    let (end, read) = (
        "end ".repeat(size),
        many(size, |local| format!("(drop (local.get {}))", local + 1)),
    );
    function(size, &format!("{change} {end} {read}"))
}

/// A branch of each depth, with what was set on the way.
fn locals_over_branches(size: usize) -> String {
    let change = many(2_000, |local| format!("(local.set {local} (i32.const 1))"));
    function(
        2_000,
        &(change + &"(if (local.get 0) (then)) ".repeat(size)),
    )
}

fn operands_over_calls(size: usize) -> String {
    let calls = "(call $called)".repeat(size);
    let sum = "i32.add ".repeat(size - 1);
    format!("(func $called (result i32) (i32.const 1)) (func $shape (result i32) {calls} {sum})")
}

fn branch_table(size: usize) -> String {
    let targets = "0 ".repeat(size);
    function(0, &format!("(block (br_table {targets} (local.get 0)))"))
}

fn sums(size: usize) -> String {
    let sum = "local.get 0 i32.add ".repeat(size);
    function(0, &format!("local.get 0 {sum} drop"))
}

/// The engine makes several of each: for a NaN, for a vector, for a table, of a long constant.
fn float_sums(size: usize) -> String {
    let sum = "f64.const 1 f64.add ".repeat(size);
    function(0, &format!("f64.const 1 {sum} drop"))
}

fn long_constants(size: usize) -> String {
    let sum = many(size, |number| {
        format!("i64.const {} i64.xor ", (number as i64) << 40 | 1 << 39)
    });
    function(0, &format!("i64.const 1 {sum} drop"))
}

fn table_accesses(size: usize) -> String {
    let access = "(table.set 0 (i32.const 0) (table.get 0 (i32.const 0)))".repeat(size);
    format!("(table 1 funcref) {}", function(0, &access))
}

fn functions() {
    let found: String = [
        bound(values_in_blocks, (20, 110)),
        bound(values_in_loops, (20, 80)),
        bound(values_in_calls, (20, 100)),
        bound(loops_in_loops, (100, 500)),
        bound(locals_in_loops, (20, 50)),
        bound(conditions_in_a_row, (1_000, 7_600)),
        bound(conditions_in_each_other, (1_000, 7_600)),
        bound(ways_out, (50, 200)),
        bound(values_out_of_conditions, (50, 300)),
        bound(locals_over_branches, (200, 1_100)),
        bound(operands_over_calls, (500, 1_500)),
        bound(branch_table, (1_000, 15_000)),
        bound(sums, (10_000, 75_001)),
        bound(float_sums, (1_000, 40_000)),
        bound(long_constants, (1_000, 20_000)),
        bound(table_accesses, (200, 5_000)),
    ]
    .concat();
    expect![[r#"
        too costly to compile: shape has 30167 values passed at byte 0x356, the limit is 30000; split it, or build for size
        too costly to compile: shape has 30200 values passed at byte 0x2c9, the limit is 30000; split it, or build for size
        too costly to compile: func[3] has 30400 values passed at byte 0x5ed, the limit is 30000; split it, or build for size
        too costly to compile: shape has 100050 locals that go round in loops at byte 0x550, the limit is 100000; split it, or build for size
        too costly to compile: shape has 101101 locals that go round in loops at byte 0x3f8, the limit is 100000; split it, or build for size
        too costly to compile: shape has 15001 branches at byte 0x92d5, the limit is 15000; split it, or build for size
        too costly to compile: shape has 15001 branches at byte 0x93ff, the limit is 15000; split it, or build for size
        too costly to compile: shape has 203661441 locals joined from branches, squared, at byte 0x83f, the limit is 200000000; split it, or build for size
        too costly to compile: shape has 203918400 locals joined from branches, squared, at byte 0xcf3, the limit is 200000000; split it, or build for size
        too costly to compile: shape has 4002000 locals set before branches at byte 0x3a72, the limit is 4000000; split it, or build for size
        too costly to compile: shape has 1000405 operands below calls and branches at byte 0xb67, the limit is 1000000; split it, or build for size
        too costly to compile: shape has 15001 branches at byte 0x59, the limit is 15000; split it, or build for size
        too costly to compile: shape has 150001 instructions at byte 0x36f40, the limit is 150000; split it, or build for size
        too costly to compile: shape has 150004 instructions at byte 0x2dccb, the limit is 150000; split it, or build for size
        too costly to compile: shape has 150003 instructions at byte 0x28a5b, the limit is 150000; split it, or build for size
        too costly to compile: shape has 150008 instructions at byte 0x8a3b, the limit is 150000; split it, or build for size
    "#]].assert_eq(&found);
}

fn many_functions(size: usize) -> String {
    "(func)".repeat(size)
}

fn types(size: usize) -> String {
    "(type (func))".repeat(size)
}

fn wide_types(size: usize) -> String {
    let params = "i64 ".repeat(200);
    format!("(type (func (param {params})))").repeat(size)
}

fn globals(size: usize) -> String {
    "(global i32 (i32.const 0))".repeat(size)
}

fn exports(size: usize) -> String {
    many(size, |index| format!(r#"(export "e{index}" (func 0))"#))
}

fn data(size: usize) -> String {
    r#"(data (i32.const 0) "")"#.repeat(size)
}

fn element_segments(size: usize) -> String {
    format!(
        "(table 1 funcref) {}",
        "(elem (i32.const 0) func 0)".repeat(size)
    )
}

fn elements(size: usize) -> String {
    format!("(elem func {})", "0 ".repeat(size))
}

fn constant_expressions(size: usize) -> String {
    let sum = "i32.const 1 i32.add ".repeat(size);
    format!("(global i32 i32.const 1 {sum})")
}

/// Each function is within its bounds, and all together are not.
fn all_functions(size: usize) -> String {
    let body = "(loop (br_if 0 (local.get 0)))".repeat(1_000);
    let one = format!("(func (param i32) {body})");
    one.repeat(size)
}

fn all_locals(size: usize) -> String {
    let locals = "i32 ".repeat(49_000);
    format!("(func (local {locals}))").repeat(size)
}

fn sections() {
    let found: String = [
        bound(many_functions, (100, 50_000)),
        bound(types, (1_000, 5_000)),
        bound(wide_types, (10, 101)),
        bound(globals, (100, 5_001)),
        bound(exports, (100, 2_000)),
        bound(data, (1_000, 10_001)),
        bound(element_segments, (1_000, 10_001)),
        bound(elements, (1_000, 65_537)),
        bound(constant_expressions, (1_000, 100_000)),
        bound(all_functions, (2, 120)),
        bound(all_locals, (2, 41)),
    ]
    .concat();
    expect![[r#"
        too costly to compile: the module has 50002 functions at byte 0x1e, the limit is 50000; split it, or build for size
        too costly to compile: the module has 5002 types at byte 0xb, the limit is 5000; split it, or build for size
        too costly to compile: the module has 20200 parameters and results of types at byte 0x4fbd, the limit is 20000; split it, or build for size
        too costly to compile: the module has 5001 globals at byte 0x25, the limit is 5000; split it, or build for size
        too costly to compile: the module has 2003 exports at byte 0x24, the limit is 2000; split it, or build for size
        too costly to compile: the module has 10001 data segments at byte 0x50, the limit is 10000; split it, or build for size
        too costly to compile: the module has 10001 element segments at byte 0x46, the limit is 10000; split it, or build for size
        too costly to compile: the module has 65537 elements at byte 0x41, the limit is 65536; split it, or build for size
        too costly to compile: the module has 200001 constant instructions at byte 0x49409, the limit is 200000; split it, or build for size
        too costly to compile: the module has 801534091 branches, squared, at byte 0x983c6, the limit is 800000000; split it, or build for size
        too costly to compile: the module has 2009003 locals at byte 0x198, the limit is 2000000; split it, or build for size
    "#]].assert_eq(&found);
}

/// A function without a name is told by its index; a hostile name is no order to a terminal.
fn place_and_way_out() {
    let wild = loops_in_loops(500).replace("$shape", r#"$"\1b[2J""#);
    let nameless = loops_in_loops(500).replace("$shape", "");
    let found: String = [wild, nameless]
        .iter()
        .map(|fields| load(fields).err().expect("it is refused").to_string() + "\n")
        .collect();
    expect![[r#"
        too costly to compile: \u{1b}[2J has 100050 locals that go round in loops at byte 0x550, the limit is 100000; split it, or build for size
        too costly to compile: func[2] has 100050 locals that go round in loops at byte 0x550, the limit is 100000; split it, or build for size
    "#]].assert_eq(&found);
}

/// What is invalid is said to be, and is not compiled up to there.
fn invalid_at_its_end() {
    let fields = format!("{} (func (result i32))", values_in_blocks(110));
    let error = load(&fields).err().expect("it is refused").to_string();
    expect!["not a valid core wasm module: type mismatch: expected i32 but nothing on stack (at offset 0x588)"].assert_eq(&error);
}
