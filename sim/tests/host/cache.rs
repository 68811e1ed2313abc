//! Compiled code on disk: kept, found again, and never trusted to be there or whole.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use libtest_mimic::Trial;
use sim::air::Hash;
use sim::host::{CODE_BYTES_MAX, Code, CodeCache, default_cache_dir};
use tempfile::TempDir;

use super::{assemble, first_step, guest_text, small, step_then_answer, trial};

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("cache", "written_and_reused", written_and_reused),
        trial("cache", "damaged_file", damaged_file),
        trial("cache", "every_flipped_bit", every_flipped_bit),
        trial("cache", "every_truncation", every_truncation),
        trial("cache", "swapped_entries", swapped_entries),
        trial("cache", "length_of_a_lie", length_of_a_lie),
        trial("cache", "many_writers", many_writers),
        trial("cache", "oldest_go_first", oldest_go_first),
        trial("cache", "folder_cannot_be_made", folder_cannot_be_made),
        trial("cache", "entry_is_a_folder", entry_is_a_folder),
        trial("cache", "default_directory", default_directory),
    ];
    #[cfg(unix)]
    trials.extend([
        trial("cache", "folder_of_others", unix::folder_of_others),
        trial("cache", "entry_of_others", unix::entry_of_others),
        trial("cache", "entry_is_no_file", unix::entry_is_no_file),
    ]);
    trials
}

/// Loads a reducer with its code in `directory`, and sees that it works.
fn load_and_step(directory: &Path) {
    let wasm = assemble(&guest_text(&step_then_answer("")));
    let code = Code::load(&wasm, small(), Some(directory)).expect("the fixture is a reducer");
    assert_eq!(
        first_step(&code).expect("the step succeeds").state(),
        Some(&[1][..])
    );
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}

/// The one entry in `directory`.
fn code_file(directory: &Path) -> PathBuf {
    let entries = fs::read_dir(directory).expect("the folder can be read");
    let path = |entry: std::io::Result<fs::DirEntry>| entry.expect("it can be read").path();
    let mut found: Vec<PathBuf> = entries.map(path).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// A cache with the real code of a small reducer, its only entry, and by what that is found.
struct Kept {
    directory: TempDir,
    cache: CodeCache,
    file: PathBuf,
    key: Hash,
    whole: Vec<u8>,
}

fn kept() -> Kept {
    let directory = temporary();
    load_and_step(directory.path());
    let file = code_file(directory.path());
    let name = file.file_stem().and_then(|name| name.to_str());
    let key = format!("sha256:{}", name.expect("it has a name"));
    let key: Hash = key.parse().expect("it is named for its key");
    let kept = Kept {
        cache: CodeCache::open(directory.path()).expect("the folder is ours"),
        whole: fs::read(&file).expect("the code can be read"),
        directory,
        file,
        key,
    };
    assert!(kept.is_found());
    kept
}

impl Kept {
    fn is_found(&self) -> bool {
        self.cache.find(self.key).is_some()
    }

    fn write(&self, bytes: &[u8]) {
        fs::write(&self.file, bytes).expect("the entry can be written");
    }
}

/// A code file that is found is not written again, so its time of change stays.
fn written_and_reused() {
    let directory = temporary();
    // It is made if need be, with the folders above it.
    let cache = directory.path().join("a/b");
    load_and_step(&cache);
    let file = code_file(&cache);
    let long_ago = SystemTime::UNIX_EPOCH;
    File::options()
        .write(true)
        .open(&file)
        .and_then(|file| file.set_modified(long_ago))
        .expect("the time can be set");
    load_and_step(&cache);
    assert_eq!(code_file(&cache), file);
    let modified = fs::metadata(&file).and_then(|data| data.modified());
    assert_eq!(modified.expect("it has a time"), long_ago);
}

fn damaged_file() {
    let directory = temporary();
    load_and_step(directory.path());
    let file = code_file(directory.path());
    let whole = fs::read(&file).expect("the code can be read");
    for damaged in [
        &b""[..],
        b"garbage",
        &whole[..whole.len() / 2],
        &[0xff; 100_000],
    ] {
        fs::write(&file, damaged).expect("the code can be damaged");
        load_and_step(directory.path());
        let repaired = fs::read(&file).expect("the code can be read");
        assert!(repaired != damaged, "it must be compiled and written anew");
    }
}

/// One bit in 64, and all of the header, in the entry of a real module.
fn every_flipped_bit() {
    let kept = kept();
    let header = 0..8 * 88;
    let rest = (header.end..8 * kept.whole.len()).step_by(64);
    let mut damaged = kept.whole.clone();
    for bit in header.chain(rest) {
        // Each bit of a byte has its turn.
        let (byte, mask) = (bit / 8, 1 << ((bit + bit / 64) % 8));
        damaged[byte] ^= mask;
        kept.write(&damaged);
        assert!(!kept.is_found(), "bit {bit}");
        damaged[byte] ^= mask;
    }
    // A few are also loaded: they are compiled anew, and stay whole from then on.
    for byte in [0, 100, kept.whole.len() / 2, kept.whole.len() - 1] {
        damaged[byte] ^= 1;
        kept.write(&damaged);
        load_and_step(kept.directory.path());
        assert!(fs::read(&kept.file).is_ok_and(|found| found == kept.whole));
        damaged[byte] ^= 1;
    }
}

fn every_truncation() {
    let kept = kept();
    let length = kept.whole.len();
    for end in (0..100)
        .chain((100..length).step_by(97))
        .chain([length - 1])
    {
        kept.write(&kept.whole[..end]);
        assert!(!kept.is_found(), "{end} bytes");
    }
    kept.write(&[&kept.whole[..], b"x"].concat());
    assert!(!kept.is_found(), "a byte too many");
    kept.write(&kept.whole);
    assert!(kept.is_found());
}

/// The code of one module in the place of another's.
fn swapped_entries() {
    let kept = kept();
    let other = Hash::of(b"other");
    kept.cache.keep(other, b"the code of another module");
    let place = |key: Hash| {
        let hex = key.to_string().replace("sha256:", "");
        kept.directory.path().join(format!("{hex}.code"))
    };
    assert!(kept.cache.find(other).is_some());
    fs::copy(&kept.file, place(other)).expect("it can be copied");
    assert!(kept.cache.find(other).is_none());
    // As kept by its own key it is found; what is not there is not.
    assert!(kept.is_found());
    assert!(kept.cache.find(Hash::of(b"nothing")).is_none());
}

/// A header that promises much, a file that is huge and takes no room, and code that is too long.
fn length_of_a_lie() {
    let kept = kept();
    let mut lie = kept.whole.clone();
    lie[48..56].copy_from_slice(&u64::MAX.to_le_bytes());
    kept.write(&lie);
    assert!(!kept.is_found());
    kept.write(&kept.whole);
    let file = File::options().write(true).open(&kept.file);
    let file = file.expect("the entry can be opened");
    for length in [1 << 36, u64::from(u32::MAX), CODE_BYTES_MAX as u64 + 89] {
        file.set_len(length).expect("it can be made longer");
        assert!(!kept.is_found(), "{length} bytes");
    }
}

/// Who reads while others write finds all of it or nothing.
fn many_writers() {
    let directory = temporary();
    let cache = CodeCache::open(directory.path()).expect("the folder is ours");
    let key = Hash::of(b"key");
    let codes = [vec![1; 100_000], vec![2; 50_000]];
    thread::scope(|scope| {
        for code in codes.iter().cycle().take(4) {
            let cache = &cache;
            let codes = &codes;
            scope.spawn(move || {
                for _ in 0..10 {
                    cache.keep(key, code);
                    // Nothing, if the entry was replaced between two looks at it.
                    if let Some(found) = cache.find(key) {
                        assert!(codes.contains(&found));
                    }
                }
            });
        }
    });
    assert!(cache.find(key).is_some());
    code_file(directory.path());
}

/// There is a bound on all entries together; files of others in the same folder are left alone.
fn oldest_go_first() {
    let directory = temporary();
    let cache = CodeCache::open(directory.path()).expect("the folder is ours");
    let name = |index: u64| directory.path().join(format!("{index:064x}.code"));
    for index in 0..4 {
        // They are long, and take no room.
        let file = File::create(name(index)).expect("it can be made");
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(9 - index);
        let made = file
            .set_len(200 << 20)
            .and_then(|()| file.set_modified(time));
        made.expect("it can be made long and old");
    }
    let alien = directory.path().join("alien.txt");
    let file = File::create(&alien).expect("it can be made");
    file.set_modified(SystemTime::UNIX_EPOCH)
        .expect("it can be old");
    cache.keep(Hash::of(b"key"), b"code");
    let left: Vec<bool> = (0..4).map(|index| name(index).exists()).collect();
    assert_eq!(left, [true, true, false, false]);
    assert!(alien.exists());
    assert!(cache.find(Hash::of(b"key")).is_some());
}

/// Below a file there are no folders, not even for the superuser.
fn folder_cannot_be_made() {
    let directory = temporary();
    let file = directory.path().join("file");
    fs::write(&file, "").expect("the file can be written");
    load_and_step(&file.join("cache"));
    load_and_step(&file);
}

fn entry_is_a_folder() {
    let kept = kept();
    fs::remove_file(&kept.file).expect("it can be removed");
    fs::create_dir(&kept.file).expect("the folder can be made");
    assert!(!kept.is_found());
    load_and_step(kept.directory.path());
    assert!(kept.file.is_dir());
}

/// Owners and modes.
#[cfg(unix)]
mod unix {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    use std::process::Command;

    use super::*;

    fn mode(path: &Path) -> u32 {
        let data = fs::metadata(path).expect("it is there");
        data.permissions().mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("the mode can be set");
    }

    /// Only root can give files away; for others this part of the trials is none.
    fn give_away(path: &Path) -> bool {
        chown(path, Some(12_345), None).is_ok()
    }

    /// Where others can write nothing is read or written. What we make is ours alone.
    pub fn folder_of_others() {
        let directory = temporary();
        let folder = directory.path().join("a/b");
        load_and_step(&folder);
        assert_eq!(
            (mode(&folder), mode(&directory.path().join("a"))),
            (0o700, 0o700)
        );
        let file = code_file(&folder);
        assert_eq!(mode(&file), 0o600);
        for lax in [0o777, 0o1777, 0o770, 0o720, 0o702] {
            set_mode(&folder, lax);
            assert!(CodeCache::open(&folder).is_none(), "{lax:o}");
        }
        fs::write(&file, "stays").expect("the entry can be written");
        load_and_step(&folder);
        assert!(fs::read(&file).is_ok_and(|found| found == b"stays"));
        set_mode(&folder, 0o755);
        assert!(CodeCache::open(&folder).is_some());
        if give_away(&folder) {
            assert!(CodeCache::open(&folder).is_none(), "it is another user's");
        }
    }

    pub fn entry_of_others() {
        let kept = kept();
        for (lax, is_found) in [
            (0o666, false),
            (0o660, false),
            (0o602, false),
            (0o644, true),
        ] {
            set_mode(&kept.file, lax);
            assert_eq!(kept.is_found(), is_found, "{lax:o}");
        }
        if give_away(&kept.file) {
            assert!(!kept.is_found(), "it is another user's");
        }
        // It is compiled anew, and takes its place.
        load_and_step(kept.directory.path());
        assert!(kept.is_found());
    }

    /// A link to what would be a good entry, and a pipe that nobody writes to.
    pub fn entry_is_no_file() {
        let kept = kept();
        let elsewhere = temporary();
        let good = elsewhere.path().join("good");
        fs::rename(&kept.file, &good).expect("it can be moved");
        symlink(&good, &kept.file).expect("the link can be made");
        assert!(!kept.is_found());
        load_and_step(kept.directory.path());
        assert!(kept.is_found());
        let is_link = |path: &Path| path.is_symlink();
        assert!(!is_link(&kept.file), "the link was replaced");
        fs::remove_file(&kept.file).expect("it can be removed");
        let made = Command::new("mkfifo").arg(&kept.file).status();
        assert!(
            made.is_ok_and(|status| status.success()),
            "there is `mkfifo`"
        );
        assert!(!kept.is_found());
        load_and_step(kept.directory.path());
        assert!(kept.is_found());
    }
}

/// Setting the variable here would be seen by other tests, so it is taken as it is.
fn default_directory() {
    let directory = default_cache_dir();
    match env::var_os("SIM_CACHE_DIR") {
        Some(set) if set.is_empty() => assert_eq!(directory, None),
        Some(set) => assert_eq!(directory, Some(PathBuf::from(set))),
        None => {
            let directory = directory.expect("a test has an executable");
            assert!(directory.ends_with("sim-cache"), "{}", directory.display());
            let beside = directory.parent().expect("it is in a folder");
            assert!(!beside.ends_with("deps"), "{}", directory.display());
        }
    }
}
