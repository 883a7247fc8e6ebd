//! A real browser for tests: headless Chromium with a chromedriver of its own. Dropping the value ends both.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use thirtyfour::error::WebDriverErrorInner;
use thirtyfour::session::http::{Body, HttpClient};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::https::Outcome;

pub use thirtyfour;
pub use thirtyfour::prelude::*;

/// Attempts to start chromedriver. It chooses a free port of IPv4 and exits if another process has that port of IPv6.
const ATTEMPTS: usize = 5;

/// Maximum time of a script: the checks of a large page take long on a busy machine.
const SCRIPT_TIMEOUT: Duration = Duration::from_mins(2);

/// Settings of the browser.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// `true` if pages may run scripts.
    pub scripts: bool,
    /// Width and height of the window.
    pub window: (u32, u32),
    /// `true` if pages get `prefers-color-scheme: dark`.
    pub dark: bool,
    /// The reader's time zone.
    pub zone: &'static str,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            scripts: true,
            window: (1280, 900),
            dark: false,
            zone: "UTC",
        }
    }
}

/// A browser with one window.
pub struct Browser {
    /// The `WebDriver` session.
    pub driver: WebDriver,
    _chromedriver: Child,
}

impl Browser {
    /// Starts a browser. It does not check certificates, because these tests are about pages.
    ///
    /// # Errors
    /// If Debian's packages `chromium` and `chromium-driver` are missing or don't start.
    pub async fn start(setup: Setup) -> Outcome<Self> {
        let (chromedriver, port) = chromedriver(setup.zone).await?;
        let mut capabilities = DesiredCapabilities::chrome();
        capabilities.accept_insecure_certs(true)?;
        let window = format!("--window-size={},{}", setup.window.0, setup.window.1);
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            &window,
        ] {
            capabilities.add_arg(argument)?;
        }
        if setup.dark {
            capabilities.add_arg("--force-dark-mode")?;
            capabilities.add_arg("--blink-settings=preferredColorScheme=0")?;
        }
        if !setup.scripts {
            // 2 is "block".
            let preferences =
                std::collections::HashMap::from([("profile.managed_default_content_settings.javascript", 2)]);
            capabilities.add_experimental_option("prefs", preferences)?;
        }
        let driver = WebDriver::builder(format!("http://127.0.0.1:{port}"), capabilities)
            .client(Http)
            .await?;
        driver.set_script_timeout(SCRIPT_TIMEOUT).await?;
        Ok(Self {
            driver,
            _chromedriver: chromedriver,
        })
    }

    /// Closes the window and ends the browser.
    ///
    /// # Errors
    /// If the browser is gone already.
    pub async fn close(self) -> Outcome<()> {
        Ok(self.driver.quit().await?)
    }
}

/// Starts chromedriver, and returns the port that it chose.
async fn chromedriver(zone: &str) -> Outcome<(Child, u16)> {
    for _ in 0..ATTEMPTS {
        let mut chromedriver = Command::new("chromedriver")
            .arg("--port=0")
            .env("TZ", zone)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(port) = port_of(&mut chromedriver).await? {
            return Ok((chromedriver, port));
        }
    }
    Err("chromedriver did not start".into())
}

/// The port that chromedriver chose, parsed from its output; `None` if it ended before.
async fn port_of(chromedriver: &mut Child) -> Outcome<Option<u16>> {
    let output = chromedriver.stdout.take().ok_or("chromedriver has no output")?;
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some((_, port)) = line.rsplit_once("started successfully on port ") {
            // Later output is read and dropped, so that it does not fill the pipe.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(Some(port.trim_end_matches('.').parse()?));
        }
    }
    Ok(None)
}

/// HTTP to chromedriver on this machine, with one connection for each request.
struct Http;

#[async_trait::async_trait]
impl HttpClient for Http {
    async fn send(&self, request: Request<Body<'_>>) -> WebDriverResult<Response<Bytes>> {
        exchange(request)
            .await
            .map_err(|error| WebDriverErrorInner::HttpError(error.to_string()).into())
    }

    async fn new(&self) -> Arc<dyn HttpClient> {
        Arc::new(Self)
    }
}

async fn exchange(request: Request<Body<'_>>) -> Outcome<Response<Bytes>> {
    let (mut head, body) = request.into_parts();
    let authority = head.uri.authority().ok_or("no address")?.to_string();
    head.headers.insert(HOST, HeaderValue::try_from(&authority)?);
    head.uri = head.uri.path().parse()?;
    let bytes = match body {
        Body::Empty => Bytes::new(),
        Body::Json(json) => {
            head.headers
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Bytes::from(json.to_string())
        }
    };
    let stream = TcpStream::connect(&authority).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::from_parts(head, Full::new(bytes));
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
}
