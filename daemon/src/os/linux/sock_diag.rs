//! How many bytes each TCP connection has received: the kernel tells by `NETLINK_SOCK_DIAG` (`man 7 sock_diag`), which asks
//! the kernel alone and sends nothing anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with};

/// `SOCK_DIAG_BY_FAMILY`, `include/uapi/linux/sock_diag.h`.
const BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST | NLM_F_DUMP`, `include/uapi/linux/netlink.h`.
const DUMP: u16 = 0x1 | 0x300;
/// `NLMSG_ERROR` and `NLMSG_DONE`, same place.
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// `INET_DIAG_INFO`, `include/uapi/linux/inet_diag.h`: the attribute with `struct tcp_info`.
const INFO: u16 = 2;
/// The states of a connection that can still receive, as bits (`include/net/tcp_states.h`): established, and closed by our
/// side only. Whoever listens or has been closed by the other side is left out.
const STATES: u32 = 1 << 1 | 1 << 4 | 1 << 5;
/// `IPPROTO_TCP`.
const TCP: u8 = 6;
/// `AF_INET` and `AF_INET6`.
const FAMILIES: [u8; 2] = [2, 10];

/// `struct nlmsghdr`.
const HEADER: usize = 16;
/// `struct inet_diag_msg`, and the place of `idiag_inode` in it.
const MESSAGE: usize = 72;
const INODE: usize = 68;
/// The place of `tcpi_bytes_received` in `struct tcp_info` (`include/uapi/linux/tcp.h`, since Linux 4.1).
const BYTES_RECEIVED: usize = 128;

/// One answer holds some hundred connections; the kernel makes no message longer than this (`NLMSG_GOODSIZE` and above:
/// `af_netlink.c`, `netlink_dump`).
const BUFFER: usize = 32 << 10;

/// So many connections are told and no more.
const MOST: usize = 4096;

/// The bytes that each of these sockets has received, by its inode number. One that is no TCP connection, or is of another
/// network namespace, is not among them.
pub(super) fn received(sockets: &BTreeSet<u64>) -> io::Result<BTreeMap<u64, u64>> {
    let mut found = BTreeMap::new();
    for family in FAMILIES {
        dump(family, &mut |inode, bytes| {
            if sockets.contains(&inode) {
                found.insert(inode, bytes);
            }
        })?;
    }
    Ok(found)
}

fn dump(family: u8, tell: &mut dyn FnMut(u64, u64)) -> io::Result<()> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    send(&socket, &request(family), SendFlags::empty())?;
    let mut buffer = vec![0; BUFFER];
    for _ in 0..MOST {
        // The first part is there when `send` returns, and each further one is made by the reading of the one before.
        let (length, _) = recv(&socket, &mut buffer, RecvFlags::DONTWAIT)?;
        if parse(&buffer[..length], tell) == Part::Last {
            break;
        }
    }
    Ok(())
}

/// `struct nlmsghdr` and `struct inet_diag_req_v2`.
fn request(family: u8) -> Vec<u8> {
    let mut request = Vec::new();
    let length = HEADER + 8 + 48;
    request.extend(u32::try_from(length).unwrap_or(0).to_ne_bytes());
    request.extend(BY_FAMILY.to_ne_bytes());
    request.extend(DUMP.to_ne_bytes());
    request.extend([0; 8]); // the sequence number and the port
    request.extend([family, TCP, 1 << (INFO - 1), 0]);
    request.extend(STATES.to_ne_bytes());
    request.resize(length, 0); // any connection
    request
}

/// Whether more is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    More,
    Last,
}

/// Reads the messages of one answer. Pure.
fn parse(mut answer: &[u8], tell: &mut dyn FnMut(u64, u64)) -> Part {
    while let (Some(length), Some(kind)) = (word::<4>(answer, 0), word::<2>(answer, 4)) {
        let length = u32::from_ne_bytes(length) as usize;
        let kind = u16::from_ne_bytes(kind);
        if kind == DONE || kind == ERROR || length < HEADER || length > answer.len() {
            return Part::Last;
        }
        if let Some((inode, bytes)) = connection(&answer[HEADER..length]) {
            tell(inode, bytes);
        }
        answer = answer.get(aligned(length)..).unwrap_or_default();
    }
    Part::More
}

fn connection(message: &[u8]) -> Option<(u64, u64)> {
    let inode = u32::from_ne_bytes(word(message, INODE)?);
    let mut rest = message.get(MESSAGE..)?;
    // `struct rtattr`: a length and a kind, then what it is about.
    while let (Some(length), Some(kind)) = (word::<2>(rest, 0), word::<2>(rest, 2)) {
        let length = usize::from(u16::from_ne_bytes(length));
        let value = rest.get(4..length)?;
        if u16::from_ne_bytes(kind) == INFO {
            return Some((inode.into(), u64::from_ne_bytes(word(value, BYTES_RECEIVED)?)));
        }
        rest = rest.get(aligned(length)..).unwrap_or_default();
    }
    None
}

fn word<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

/// Messages and attributes begin at multiples of four.
fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;

    use proptest::prelude::*;

    use super::*;

    fn inode(socket: &impl AsFd) -> u64 {
        rustix::fs::fstat(socket).expect("a socket").st_ino
    }

    #[test]
    fn what_a_connection_received_and_not_what_it_sent() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else {
                assert!(address.starts_with('['), "a machine without IPv6 has IPv4");
                continue;
            };
            let mut client = TcpStream::connect(listener.local_addr().expect("an address")).expect("connects");
            let (mut server, _) = listener.accept().expect("accepts");
            let numbers = BTreeSet::from([inode(&client), inode(&server), inode(&listener)]);
            let before = received(&numbers).expect("tells");
            assert_eq!(before, BTreeMap::from([(inode(&client), 0), (inode(&server), 0)]));
            server.write_all(&[7; 4321]).expect("writes");
            client.read_exact(&mut [0; 4321]).expect("reads");
            let after = received(&numbers).expect("tells");
            assert_eq!(after[&inode(&client)], 4321);
            assert_eq!(after[&inode(&server)], 0, "what was sent proves nothing");
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_taken(answer in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&answer, &mut |_, _| {});
        }

        #[test]
        fn any_message_is_taken(message in proptest::collection::vec(any::<u8>(), 60..300)) {
            let _ = connection(&message);
        }
    }
}
