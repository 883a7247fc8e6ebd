//! The PROXY protocol, versions 1 and 2: a trusted proxy names the client's address before the first byte of TLS. The
//! parser takes exactly the header from the socket.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use proxy_header::{ParseConfig, Protocol, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Timeout of the header. A proxy sends it as soon as it connects.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Maximum length of a version 1 line in bytes, by its specification.
const MAX_LINE: usize = 107;

/// Maximum length of the rest of a version 2 header in bytes. Addresses take up to 216 bytes, and load balancers
/// add some names and IDs. No known proxy comes near this limit.
const MAX_REST: usize = 2_048;

/// Bytes of the signature of version 2. A version 1 header has at least as many before its end.
const START: usize = 12;
const SIGNATURE: &[u8; START] = b"\r\n\r\n\0\r\nQUIT\n";
const LINE: &[u8] = b"PROXY ";
/// Bytes up to the length of a version 2 header: signature, version and command, family, length.
const FIXED: usize = START + 4;

/// Reads the header and returns the address in it. `None` if the proxy connects for itself, for a health check for
/// example.
///
/// # Errors
///
/// If the header is missing, malformed or too slow.
pub(crate) async fn read(stream: &mut TcpStream) -> io::Result<Option<IpAddr>> {
    let too_slow = |_| malformed("a PROXY header arrived too slowly");
    let header = timeout(TIMEOUT, read_header(stream)).await.map_err(too_slow)??;
    proxied_address(&header)
}

/// Reads the bytes of one header.
async fn read_header(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut header = vec![0; START];
    stream.read_exact(&mut header).await?;
    if header == SIGNATURE {
        read_rest(stream, &mut header).await?;
    } else if header.starts_with(LINE) {
        read_line(stream, &mut header).await?;
    } else {
        return Err(malformed("a trusted proxy sent no PROXY header"));
    }
    Ok(header)
}

/// Reads the part behind the signature of version 2, whose length is in the header.
async fn read_rest<T: AsyncRead + Unpin>(stream: &mut T, header: &mut Vec<u8>) -> io::Result<()> {
    header.resize(FIXED, 0);
    stream.read_exact(&mut header[START..]).await?;
    let rest = usize::from(u16::from_be_bytes([header[FIXED - 2], header[FIXED - 1]]));
    if rest > MAX_REST {
        return Err(malformed("a PROXY header is too long"));
    }
    header.resize(FIXED + rest, 0);
    stream.read_exact(&mut header[FIXED..]).await.map(drop)
}

/// Reads the line of version 1 up to its end. It peeks first, so that no byte behind the line is taken.
async fn read_line(stream: &mut TcpStream, header: &mut Vec<u8>) -> io::Result<()> {
    let mut ahead = [0; MAX_LINE];
    while header.len() < MAX_LINE {
        let free = MAX_LINE - header.len();
        let seen = stream.peek(&mut ahead[..free]).await?;
        if seen == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let end = ahead[..seen].iter().position(|byte| *byte == b'\n');
        let take = end.map_or(seen, |end| end + 1);
        stream.read_exact(&mut ahead[..take]).await?;
        header.extend_from_slice(&ahead[..take]);
        if end.is_some() {
            return Ok(());
        }
    }
    Err(malformed("a PROXY header is too long"))
}

/// The address in a complete header without further bytes. `None` if the proxy connects for itself.
///
/// # Errors
///
/// If it is not a well-formed header of a TCP connection.
pub fn proxied_address(header: &[u8]) -> io::Result<Option<IpAddr>> {
    let wrong = || malformed("a PROXY header can't be read");
    let settings = ParseConfig {
        include_tlvs: false,
        ..ParseConfig::default()
    };
    let (parsed, length) = ProxyHeader::parse(header, settings).map_err(|_| wrong())?;
    if length != header.len() {
        return Err(wrong());
    }
    match parsed.proxied_address() {
        None => Ok(None),
        Some(address) if address.protocol == Protocol::Stream => Ok(Some(address.source.ip())),
        Some(_) => Err(wrong()),
    }
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proxy_header::ProxiedAddress;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    type Case<'a> = (&'a [u8], Option<Option<IpAddr>>);

    fn v2(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, addresses].concat()
    }

    fn v4_addresses() -> Vec<u8> {
        [&[203, 0, 113, 9][..], &[192, 0, 2, 1], &[0xc0, 0, 1, 0xbb]].concat()
    }

    #[test]
    fn headers_name_an_address_or_none_or_are_refused() {
        let address = |text: &str| Some(text.parse().ok());
        let with_tlv = [&v4_addresses()[..], &[0x05, 0, 2, 1, 2]].concat();
        let v6 = [
            &[0x20, 1, 0x0d, 0xb8][..],
            &[0; 11],
            &[9],
            &[0; 16],
            &[0, 1, 0, 2],
        ]
        .concat();
        let cases: [Case<'_>; 26] = [
            (
                b"PROXY TCP4 203.0.113.9 192.0.2.1 50000 443\r\n",
                address("203.0.113.9"),
            ),
            (
                b"PROXY TCP6 2001:db8::9 2001:db8::1 50000 443\r\n",
                address("2001:db8::9"),
            ),
            (
                b"PROXY TCP6 ::ffff:203.0.113.9 ::1 50000 443\r\n",
                address("::ffff:203.0.113.9"),
            ),
            (b"PROXY UNKNOWN\r\n", Some(None)),
            (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", Some(None)),
            (b"PROXY TCP4 203.0.113.9 192.0.2.1 50000 443\n", None),
            (b"PROXY TCP4 203.0.113.9 192.0.2.1 50000\r\n", None),
            (b"PROXY TCP4 203.0.113.9 192.0.2.1 50000 70000\r\n", None),
            (b"PROXY TCP4 203.0.113 192.0.2.1 50000 443\r\n", None),
            (b"PROXY TCP4 2001:db8::9 192.0.2.1 50000 443\r\n", None),
            (b"PROXY TCP6 203.0.113.9 192.0.2.1 50000 443\r\n", None),
            (b"PROXY TCP5 203.0.113.9 192.0.2.1 50000 443\r\n", None),
            (b"PROXY UDP4 203.0.113.9 192.0.2.1 50000 443\r\n", None),
            (b"PROXY TCP4 203.0.113.9 192.0.2.1 50000 443\r\nG", None),
            (b"proxy TCP4 203.0.113.9 192.0.2.1 50000 443\r\n", None),
            (b"GET / HTTP/1.1\r\n", None),
            (b"", None),
            (&v2(0x21, 0x11, &v4_addresses()), address("203.0.113.9")),
            (&v2(0x21, 0x11, &with_tlv), address("203.0.113.9")),
            (&v2(0x21, 0x21, &v6), address("2001:db8::9")),
            (&v2(0x20, 0x00, &[]), Some(None)),
            (&v2(0x20, 0x11, &v4_addresses()), Some(None)),
            (&v2(0x21, 0x12, &v4_addresses()), None),
            (&v2(0x21, 0x11, &v4_addresses()[..11]), None),
            (&v2(0x31, 0x11, &v4_addresses()), None),
            (&v2(0x22, 0x11, &v4_addresses()), None),
        ];
        for (header, expected) in cases {
            assert_eq!(
                proxied_address(header).ok(),
                expected,
                "{}",
                header.escape_ascii()
            );
        }
    }

    /// A header in two pieces, followed by other bytes.
    #[tokio::test]
    async fn not_one_byte_more_is_taken_however_it_is_cut() {
        let line = b"PROXY TCP4 203.0.113.9 192.0.2.1 50000 443\r\n".to_vec();
        for header in [line, v2(0x21, 0x11, &v4_addresses())] {
            for cut in 1..header.len() {
                let (mut client, mut server) = pair().await;
                let bytes = [&header[..], b"TLS"].concat();
                let sending = tokio::spawn(async move {
                    client.write_all(&bytes[..cut]).await.unwrap();
                    tokio::task::yield_now().await;
                    client.write_all(&bytes[cut..]).await.unwrap();
                    client
                });
                let address = read(&mut server).await.unwrap();
                assert_eq!(address, Some(IpAddr::from([203, 0, 113, 9])), "{cut}");
                let mut rest = [0; 3];
                server.read_exact(&mut rest).await.unwrap();
                assert_eq!(&rest, b"TLS");
                drop(sending.await.unwrap());
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_header_or_too_long_is_refused() {
        let too_long = [b"PROXY TCP4 ".to_vec(), vec![b'1'; 200]].concat();
        let mut huge = SIGNATURE.to_vec();
        huge.extend([0x21, 0x11, 0xff, 0xff]);
        for bytes in [
            too_long,
            huge,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00".to_vec(),
            b"PRO".to_vec(),
        ] {
            let (mut client, mut server) = pair().await;
            client.write_all(&bytes).await.unwrap();
            client.shutdown().await.unwrap();
            assert!(read(&mut server).await.is_err(), "{}", bytes.escape_ascii());
        }
    }

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, server) = tokio::join!(client, listener.accept());
        let client = client.unwrap();
        client.set_nodelay(true).unwrap();
        (client, server.unwrap().0)
    }

    proptest! {
        /// Headers that the library writes can be read, in both versions.
        #[test]
        fn written_headers_are_read(v4: [u8; 4], v6: [u8; 16], port: u16, is_v4: bool) {
            let (source, other): (IpAddr, IpAddr) = if is_v4 { (v4.into(), [192, 0, 2, 1].into()) } else { (v6.into(), [1; 16].into()) };
            let header = ProxyHeader::with_address(ProxiedAddress::stream((source, port).into(), (other, 443).into()));
            let mut buffer = [0; 256];
            let length = header.encode_to_slice_v1(&mut buffer).unwrap();
            prop_assert_eq!(proxied_address(&buffer[..length]).ok(), Some(Some(source)));
            let length = header.encode_to_slice_v2(&mut buffer).unwrap();
            prop_assert_eq!(proxied_address(&buffer[..length]).ok(), Some(Some(source)));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), version: bool) {
            let start = if version { &SIGNATURE[..] } else { LINE };
            let _ = proxied_address(&[start, &bytes].concat());
        }
    }
}
