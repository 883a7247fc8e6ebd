//! Writes every screen with sample data into a directory, with the assets beside them: `cargo run -p hookgate-pages --example
//! gallery -- /tmp/gallery`, then serve that directory. The screens link to `/assets`, so opening a file alone has no style.

#[path = "../tests/screens/samples.rs"]
mod samples;

use std::path::PathBuf;
use std::{env, fs, io};

use samples::Kind;

fn main() -> io::Result<()> {
    let to = PathBuf::from(
        env::args()
            .nth(1)
            .ok_or_else(|| io::Error::other("usage: gallery DIRECTORY"))?,
    );
    fs::create_dir_all(to.join("assets"))?;
    for (path, asset) in hookgate_pages::assets() {
        fs::write(to.join(path.trim_start_matches('/')), asset.bytes)?;
    }
    for (kind, ending) in [(Kind::Ordinary, ""), (Kind::Hostile, "-hostile")] {
        for (name, html) in samples::all(kind) {
            fs::write(to.join(format!("{name}{ending}.html")), html)?;
        }
        fs::write(to.join(format!("part-row{ending}.html")), samples::live_row(kind))?;
    }
    fs::write(to.join("part-preview.html"), samples::preview())
}
