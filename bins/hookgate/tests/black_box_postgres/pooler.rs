//! A pgbouncer between a node and its database.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hookgate_testkit::ports;
use hookgate_testkit::postgres::Postgres;
use tempfile::TempDir;

/// Maximum number of polls, with the pause between two: half a minute in all.
const LOOKS: u32 = 1_500;
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The user that Debian's packages create: pgbouncer refuses to run as root.
const USER: &str = "postgres";

/// A running pgbouncer in front of the shared server. It ends with the test.
pub(crate) struct Pooler {
    process: Child,
    directory: TempDir,
    address: SocketAddr,
}

impl Pooler {
    /// Starts a pgbouncer with these settings besides its address and its users.
    pub(crate) fn start(settings: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("pgbouncer").tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let server = Postgres::shared().address();
        let address = SocketAddr::from(([127, 0, 0, 1], ports::reserve().unwrap()));
        let users = directory.path().join("users");
        fs::write(&users, "\"hookgate\" \"not-a-secret\"\n").unwrap();
        let text = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = {}\nlisten_port = {}\nunix_socket_dir =\n\
             auth_type = scram-sha-256\nauth_file = {}\n{settings}\n",
            server.ip(),
            server.port(),
            address.ip(),
            address.port(),
            users.display(),
        );
        let file = directory.path().join("pgbouncer.ini");
        fs::write(&file, text).unwrap();
        let log = fs::File::create(directory.path().join("log")).unwrap();
        let mut command = Command::new(program());
        if fs::metadata("/proc/self").unwrap().uid() == 0 {
            command.args(["--user", USER]);
        }
        let process = command
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let pooler = Self {
            process,
            directory,
            address,
        };
        pooler.wait();
        pooler
    }

    /// The URL of a database through the pooler.
    pub(crate) fn url(&self, database: &str) -> String {
        hookgate_testkit::postgres::url_at(self.address, database)
    }

    fn wait(&self) {
        for _ in 0..LOOKS {
            if TcpStream::connect(self.address).is_ok() {
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        let log = fs::read_to_string(self.directory.path().join("log")).unwrap();
        panic!("pgbouncer does not listen: {log}");
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Debian installs it in a directory that is only in root's `PATH`.
fn program() -> PathBuf {
    let debian = PathBuf::from("/usr/sbin/pgbouncer");
    if debian.exists() {
        debian
    } else {
        "pgbouncer".into()
    }
}
