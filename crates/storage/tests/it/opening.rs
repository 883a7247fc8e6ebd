//! Opening a directory: files that are created, directories that are refused, and the errors for people.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use hookgate_gate::Store;
use hookgate_storage::{
    Database, LockError, OpenError, OpenMode, ServerLock, backup_file, exposed_data, replace_private_file,
};
use hookgate_testkit::samples;

fn edit(directory: &Path, sql: &str) {
    let path = directory.join("hookgate.db");
    let mut connection = SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("a database");
    connection.batch_execute(sql).expect("a statement");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[tokio::test]
async fn nobody_but_the_owner_may_look_inside() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("deep/data");
    let _lock = ServerLock::acquire(&directory).unwrap();
    let store = Database::open(&directory, OpenMode::Create).unwrap();
    store
        .webhook_insert(samples::webhook(1), samples::audit())
        .await
        .unwrap();
    store.webhook_by_handle(samples::webhook(1).handle).await.unwrap();
    assert_eq!(mode(&directory), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_owned().into_string().unwrap());
    }
    names.sort();
    assert_eq!(
        names,
        ["hookgate.db", "hookgate.db-shm", "hookgate.db-wal", "server.lock"]
    );
}

#[test]
fn a_file_that_was_open_to_others_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    drop(Database::open(directory.path(), OpenMode::Create).unwrap());
    let file = directory.path().join("hookgate.db");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    drop(Database::open(directory.path(), OpenMode::Existing).unwrap());
    assert_eq!(mode(&file), 0o600);
}

/// Opening a store closes all its private files; a directory that holds other things too stays as it is.
#[test]
fn what_was_opened_since_is_closed_as_a_set() {
    let private = [
        "hookgate.db",
        "server.lock",
        "sealing.key",
        "ca.key",
        "gate.key",
        "hookgate.db-wal",
    ];
    for other in [None, Some("notes.txt")] {
        let directory = tempfile::tempdir().unwrap();
        drop(Database::open(directory.path(), OpenMode::Create).unwrap());
        for name in private.into_iter().chain(["ca.pem"]).chain(other) {
            let path = directory.path().join(name);
            fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(&path)
                .unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        }
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        drop(Database::open(directory.path(), OpenMode::Existing).unwrap());
        for name in private {
            let path = directory.path().join(name);
            assert!(!path.exists() || mode(&path) == 0o600, "{name}");
        }
        assert_eq!(mode(&directory.path().join("ca.pem")), 0o644);
        let expected = if other.is_some() { 0o755 } else { 0o700 };
        assert_eq!(mode(directory.path()), expected, "{other:?}");
    }
}

/// Another user who may write to the directory could have another file read, closed or overwritten.
#[test]
fn a_link_or_a_file_of_somebody_else_is_refused() {
    for name in [
        "hookgate.db-wal",
        "server.lock",
        "sealing.key",
        "ca.key",
        "gate.key",
    ] {
        for kind in ["a link", "a second name", "another user's"] {
            let directory = tempfile::tempdir().unwrap();
            drop(Database::open(directory.path(), OpenMode::Create).unwrap());
            let (theirs, path) = (directory.path().join("theirs"), directory.path().join(name));
            fs::write(&theirs, "").unwrap();
            fs::set_permissions(&theirs, fs::Permissions::from_mode(0o644)).unwrap();
            match kind {
                "a link" => std::os::unix::fs::symlink(&theirs, &path).unwrap(),
                "a second name" => fs::hard_link(&theirs, &path).unwrap(),
                _ => {
                    fs::write(&path, "").unwrap();
                    if std::os::unix::fs::chown(&path, Some(65_534), None).is_err() {
                        // Only root gives files away.
                        continue;
                    }
                }
            }
            let error = Database::open(directory.path(), OpenMode::Existing)
                .err()
                .unwrap();
            assert!(
                matches!(&error, OpenError::Files { path: told, .. } if *told == path),
                "{name}, {kind}: {error}"
            );
            assert!(ServerLock::acquire(directory.path()).is_err(), "{name}, {kind}");
            assert_eq!(mode(&theirs), 0o644);
        }
    }
}

#[test]
fn without_a_store_people_are_told_how_to_make_one() {
    let directory = tempfile::tempdir().unwrap();
    for path in [directory.path().to_owned(), directory.path().join("nothing")] {
        for mode in [OpenMode::Existing, OpenMode::Migrate] {
            let error = Database::open(&path, mode).err().unwrap();
            assert!(matches!(error, OpenError::Missing { .. }), "{error}");
            assert!(error.to_string().contains("hookgate migrate"), "{error}");
        }
    }
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        0,
        "asking makes nothing"
    );
    fs::write(directory.path().join("hookgate.db"), "").unwrap();
    let error = Database::open(directory.path(), OpenMode::Existing)
        .err()
        .unwrap();
    assert!(matches!(error, OpenError::Missing { .. }), "{error}");
    drop(Database::open(directory.path(), OpenMode::Migrate).unwrap());
    drop(Database::open(directory.path(), OpenMode::Existing).unwrap());
}

#[test]
fn a_store_of_a_newer_program_is_refused_in_every_mode() {
    let directory = tempfile::tempdir().unwrap();
    drop(Database::open(directory.path(), OpenMode::Create).unwrap());
    edit(
        directory.path(),
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')",
    );
    for mode in [OpenMode::Existing, OpenMode::Migrate, OpenMode::Create] {
        let error = Database::open(directory.path(), mode).err().unwrap();
        assert!(matches!(error, OpenError::TooNew { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("schema 9999") && text.contains("this program knows"),
            "{text}"
        );
    }
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("hookgate.db"), "garbage ".repeat(1_000)).unwrap();
    for mode in [OpenMode::Existing, OpenMode::Create] {
        let error = Database::open(directory.path(), mode).err().unwrap();
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    }
}

#[test]
fn a_second_server_is_refused_and_the_lock_is_never_stale() {
    let directory = tempfile::tempdir().unwrap();
    let first = ServerLock::acquire(directory.path()).unwrap();
    let second = ServerLock::acquire(directory.path());
    assert!(matches!(second, Err(LockError::Running { .. })), "{second:?}");
    drop(first);
    ServerLock::acquire(directory.path()).unwrap();
}

#[test]
fn many_may_make_the_store_at_once() {
    let directory = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| drop(Database::open(directory.path(), OpenMode::Create).unwrap()));
        }
    });
    drop(Database::open(directory.path(), OpenMode::Existing).unwrap());
}

#[tokio::test]
async fn settings_are_remembered() {
    let directory = tempfile::tempdir().unwrap();
    let store = Database::open(directory.path(), OpenMode::Create).unwrap();
    assert_eq!(store.setting("public_url").await.unwrap(), None);
    store
        .set_setting("public_url", "https://one.example")
        .await
        .unwrap();
    store
        .set_setting("public_url", "https://two.example")
        .await
        .unwrap();
    store.close().await;
    assert!(!store.is_writing() && store.set_setting("public_url", "").await.is_err());
    drop(store);
    let store = Database::open(directory.path(), OpenMode::Existing).unwrap();
    assert_eq!(
        store.setting("public_url").await.unwrap().as_deref(),
        Some("https://two.example")
    );
}

/// Copies of secrets, and files of a killed command, are closed with the rest.
#[test]
fn copies_of_secrets_are_closed_too() {
    let directory = tempfile::tempdir().unwrap();
    drop(Database::open(directory.path(), OpenMode::Create).unwrap());
    let copies = [
        "sealing.key.old",
        "hookgate.db.bak",
        "backup-stream-1.part",
        "gate.key.part",
    ];
    for name in copies {
        let path = directory.path().join(name);
        fs::write(&path, "secret").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    }
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(exposed_data(directory.path()).len(), 1 + copies.len());
    drop(Database::open(directory.path(), OpenMode::Existing).unwrap());
    assert_eq!(exposed_data(directory.path()), []);
    assert_eq!(mode(directory.path()), 0o700);
}

#[test]
fn a_directory_that_everybody_writes_to_is_closed_or_refused() {
    let directory = tempfile::tempdir().unwrap();
    let open = || fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    open();
    drop(ServerLock::acquire(directory.path()).unwrap());
    assert_eq!(mode(directory.path()), 0o700);
    open();
    fs::write(directory.path().join("others"), "").unwrap();
    let refused = ServerLock::acquire(directory.path()).unwrap_err();
    assert!(
        matches!(&refused, LockError::Files { path, .. } if path == directory.path()),
        "{refused}"
    );
    assert!(Database::open(directory.path(), OpenMode::Create).is_err());
    assert_eq!(mode(directory.path()), 0o777, "it is not Hookgate's to close");
}

#[tokio::test]
async fn a_backup_closes_the_store_and_writes_no_link() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let database = Database::open(&store, OpenMode::Create).unwrap();
    fs::set_permissions(&store, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(store.join("hookgate.db-wal"), fs::Permissions::from_mode(0o644)).unwrap();
    let file = directory.path().join("backup.db");
    let theirs = directory.path().join("theirs");
    std::os::unix::fs::symlink(&theirs, directory.path().join("backup.db.part")).unwrap();
    backup_file(&store, &file).unwrap();
    assert_eq!((mode(&file), theirs.exists()), (0o600, false));
    assert_eq!(exposed_data(&store), []);
    database.close().await;
}

#[test]
fn a_secret_is_never_written_to_a_file_that_others_hold_open() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gate.key");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let mut held = fs::File::open(&path).unwrap();
    replace_private_file(&path, b"new").unwrap();
    let mut read = String::new();
    held.read_to_string(&mut read).unwrap();
    assert_eq!((read.as_str(), mode(&path)), ("old", 0o600));
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}
