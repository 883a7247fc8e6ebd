//! `cargo xtask screenshots`: a picture of every page of the gallery, in a wide window and in one of a phone's width.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use clap::Args;

use crate::gallery;
use xtask::process::{Outcome, need, root, say};

/// Programs of the task, with the Debian package of each.
const PROGRAMS: [(&str, &str); 2] = [("python3", "python3"), ("chromium", "chromium")];
/// Width, height and suffix of the file name.
const WINDOWS: [(u32, u32, &str); 2] = [(1280, 900, ""), (360, 800, "-narrow")];
/// Longest time to wait for the file server.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(crate) struct ScreenshotsArguments {
    /// Only pages whose name begins with this
    #[arg(default_value = "")]
    prefix: String,
}

pub(crate) fn run(arguments: &ScreenshotsArguments) -> Outcome<()> {
    need(&PROGRAMS)?;
    let gallery = root().join("target/gallery");
    let pictures = root().join("target/screenshots");
    fs::create_dir_all(&pictures)?;
    gallery::write(&gallery)?;
    let server = Server::start(&gallery)?;
    for screen in screens(&gallery, &arguments.prefix)? {
        for (width, height, ending) in WINDOWS {
            let picture = pictures.join(format!("{screen}{ending}.png"));
            shoot(&server, &screen, (width, height), &picture)?;
        }
    }
    say(&format!("the pictures are in {}", pictures.display()));
    Ok(())
}

/// The names of the pages.
fn screens(gallery: &Path, prefix: &str) -> Outcome<Vec<String>> {
    let mut names = Vec::new();
    for file in fs::read_dir(gallery)? {
        let name = file?.file_name().to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(".html") else {
            continue;
        };
        if name.starts_with(prefix) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn shoot(server: &Server, screen: &str, (width, height): (u32, u32), picture: &Path) -> Outcome<()> {
    let output = Command::new("chromium")
        .args(["--headless=new", "--no-sandbox", "--hide-scrollbars"])
        .arg(format!("--window-size={width},{height}"))
        .arg(format!("--screenshot={}", picture.display()))
        .arg(format!("http://127.0.0.1:{}/{screen}.html", server.port))
        .output()?;
    if output.status.success() && picture.is_file() {
        Ok(())
    } else {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(format!("no picture of {screen}: {text}").into())
    }
}

/// A file server for a directory. Dropping the value ends it.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(directory: &PathBuf) -> Outcome<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let child = Command::new("python3")
            .args(["-m", "http.server", "--bind", "127.0.0.1", "--directory"])
            .arg(directory)
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let server = Self { child, port };
        let step = Duration::from_millis(50);
        let mut waited = Duration::ZERO;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if waited >= PATIENCE {
                return Err("the file server does not answer".into());
            }
            sleep(step);
            waited += step;
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
