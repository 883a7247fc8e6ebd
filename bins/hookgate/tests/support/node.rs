//! The files of a node of `hookgate serve`: a CA, a certificate for localhost, a sealing key, a configuration.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hookgate_testkit::ports;
use hookgate_testkit::postgres::Postgres;

use super::HOOKGATE;

/// Name of the configuration file. Only a node with PostgreSQL has one.
pub(crate) const CONFIG: &str = "hookgate.toml";
/// Name of the file with the store's URL, which tests read too.
const URL: &str = "store.url";
/// Maximum number of polls until a node serves, with the pause between two: two minutes in all.
const LOOKS: u32 = 24_000;
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Creates the directory of a node on this database.
pub(crate) fn lay_out(directory: &Path, url: &str) {
    fs::create_dir_all(directory).unwrap();
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let mut ca = rcgen::CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    ca.distinguished_name.push(rcgen::DnType::CommonName, "test CA");
    let certificate = ca.self_signed(&ca_key).unwrap();
    fs::write(directory.join("ca.pem"), certificate.pem()).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let names = ["localhost", "127.0.0.1"].map(str::to_owned);
    let leaf = rcgen::CertificateParams::new(names).unwrap();
    let leaf = leaf.signed_by(&key, &rcgen::Issuer::new(ca, ca_key)).unwrap();
    fs::write(directory.join("gate.pem"), leaf.pem()).unwrap();
    fs::write(directory.join("gate.key"), key.serialize_pem()).unwrap();
    configure(directory, url);
}

/// Addresses of the gate and the console of the node in this directory.
pub(crate) fn addresses(directory: &Path) -> [SocketAddr; 2] {
    let text = fs::read_to_string(directory.join(CONFIG)).unwrap();
    let table: toml::Table = text.parse().unwrap();
    ["gate", "console"].map(|part| table[part]["listen"].as_str().unwrap().parse().unwrap())
}

/// Starts the node in this directory and waits until it serves.
pub(crate) fn serve(directory: &Path, level: &str, log: Stdio, environment: &[(&str, PathBuf)]) -> Child {
    let child = Command::new(HOOKGATE)
        .args(["serve", "--config"])
        .arg(directory.join(CONFIG))
        .env("HOOKGATE_LOG_LEVEL", level)
        .envs(environment.iter().cloned())
        .stderr(log)
        .spawn()
        .unwrap();
    for address in addresses(directory) {
        let is_serving = || TcpStream::connect(address).is_ok();
        let mut looks = (0..LOOKS).map(|_| std::thread::sleep(LOOK_EVERY));
        assert!(
            is_serving() || looks.any(|()| is_serving()),
            "the node does not serve"
        );
    }
    child
}

/// Runs SQL on the database of the node in this directory.
pub(crate) fn sql(directory: &Path, statement: &str) -> String {
    Postgres::shared().sql(&database(directory), statement).unwrap()
}

/// A dump of that database.
pub(crate) fn dump(directory: &Path) -> String {
    Postgres::shared().dump(&database(directory)).unwrap()
}

/// A program that runs SQL from its standard input on that database.
pub(crate) fn session(directory: &Path) -> Command {
    Postgres::shared().session(&database(directory))
}

fn database(directory: &Path) -> String {
    let url = fs::read_to_string(directory.join(URL)).unwrap();
    let name = url.rsplit('/').next().unwrap().split('?').next();
    name.unwrap().to_owned()
}

/// Creates the configuration of a node on this database, beside its certificate.
pub(crate) fn configure(directory: &Path, url: &str) {
    fs::write(directory.join(URL), url).unwrap();
    let [gate, console] = [(); 2].map(|()| ports::reserve().unwrap());
    let text = format!(
        "public_url = \"https://localhost:{gate}\"\n\
         [store]\nurl_file = \"{URL}\"\nsealing_key_file = \"sealing.key\"\n\
         [gate]\nlisten = \"127.0.0.1:{gate}\"\ncertificate = \"gate.pem\"\nkey = \"gate.key\"\n\
         [console]\nlisten = \"127.0.0.1:{console}\"\npublic_url = \"https://localhost:{console}\"\n"
    );
    fs::write(directory.join(CONFIG), text).unwrap();
}
