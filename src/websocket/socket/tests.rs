//! A line in memory and over TCP: what it keeps, in which order it writes, when it is cut.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::advance;

use crate::websocket::Incoming;
use crate::websocket::socket::*;

/// A line in memory, whose other end takes so many bytes before it is full.
fn in_memory(room: usize) -> (Socket, DuplexStream) {
    let (near, far) = duplex(room);
    let line = Socket::new(Stream::other(near), &SocketMetrics::default());
    line.start_with(None);
    (line, far)
}

/// A line over TCP to somebody with a small receive buffer.
async fn over_tcp() -> (Socket, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let far = socket.connect(listener.local_addr().expect("an address")).await.expect("it");
    let (near, _) = listener.accept().await.expect("a connection");
    let line = Socket::new(Stream::tcp(near), &SocketMetrics::default());
    line.start_with(None);
    (line, far)
}

/// Everything that comes out at the far end while the line's task hands over.
async fn read_all(line: &Socket, far: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let handing = async {
        poll_fn(|cx| {
            line.register_waker(cx.waker());
            line.poll_drain(cx)
        })
        .await;
        line.finish(Duration::ZERO).await;
    };
    let reading = far.read_to_end(&mut bytes);
    let ((), read) = tokio::join!(handing, reading);
    read.expect("an orderly end");
    bytes
}

fn text(n: usize, length: usize) -> Bytes {
    encode::text(format!("{n:0length$}").as_bytes())
}

#[tokio::test]
async fn frames_come_whole_and_in_order_although_the_socket_takes_them_in_parts() {
    let (line, mut far) = in_memory(7);
    let frames = [text(1, 300), encode::pong(b"?"), text(2, 60_000), encode::HEARTBEAT];
    for frame in &frames {
        line.write(frame);
    }
    line.close(Some(1000));
    let expected = [&frames.concat()[..], &encode::close(Some(1000))].concat();
    assert_eq!(read_all(&line, &mut far).await, expected);
}

#[tokio::test]
async fn a_pong_waits_behind_what_a_full_socket_has_not_taken() {
    let (line, mut far) = over_tcp().await;
    let mut expected = Vec::new();
    for n in 0.. {
        line.write(&text(n, 10_000));
        expected.extend_from_slice(&text(n, 10_000));
        if !line.is_flushed() {
            break;
        }
    }
    line.write(&encode::pong(b"!"));
    line.write(&text(7, 300));
    expected.extend([encode::pong(b"!"), text(7, 300)].concat());
    let read = read_all(&line, &mut far).await;
    assert!(read == expected, "{} of {} bytes are right", read.len(), expected.len());
}

#[tokio::test]
async fn who_does_not_read_is_cut_at_the_limit_and_the_memory_is_free() {
    let (line, mut far) = over_tcp().await;
    let frame = text(1, 10_000);
    let mut written = 0;
    while !line.is_cut() {
        line.write(&frame);
        written += frame.len();
        assert!(line.out().queue.len() <= SEND_QUEUE);
    }
    // What waited, and what the two systems took: some three times the buffer that was asked for.
    assert!((SEND_QUEUE..SEND_QUEUE + 512 * 1024).contains(&written), "{written}");
    assert_eq!(line.out().queue.capacity(), 0);
    line.write(&frame);
    assert!(line.is_flushed());
    drop(line);
    let error = far.read_to_end(&mut Vec::new()).await.expect_err("it is cut");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_queue_under_the_limit_is_handed_over_and_given_back() {
    let (line, mut far) = in_memory(16);
    for n in 0..20 {
        line.write(&text(n, 10_000));
    }
    assert!(!line.is_cut() && line.out().queue.len() > 150_000);
    let read = read_all(&line, &mut far).await;
    assert_eq!(read.len(), 20 * text(0, 10_000).len());
    let out = line.out();
    assert_eq!((out.queue.len(), out.queue.capacity()), (0, 0));
}

#[tokio::test]
async fn nothing_is_written_before_the_first_frame_and_nothing_after_the_last() {
    let (near, mut far) = duplex(1024);
    let line = Socket::new(Stream::other(near), &SocketMetrics::default());
    line.write(&text(2, 2));
    line.start_with(Some(text(1, 1)));
    line.close(Some(4401));
    line.write(&text(3, 3));
    line.close(Some(1000));
    let expected = [text(1, 1), text(2, 2), encode::close(Some(4401))].concat();
    assert_eq!(read_all(&line, &mut far).await, expected);
}

#[tokio::test]
async fn what_a_layer_in_between_keeps_is_handed_on() {
    let (near, mut far) = duplex(1024);
    let line =
        Socket::new(Stream::other(tokio::io::BufStream::new(near)), &SocketMetrics::default());
    line.start_with(Some(text(1, 5)));
    let mut read = [0; 7];
    far.read_exact(&mut read).await.expect("seven bytes");
    assert_eq!(read[..], text(1, 5)[..]);
}

#[tokio::test]
async fn messages_are_read_whatever_carries_them() {
    let (near, mut far) = duplex(3);
    let (tcp, mut tcp_far) = over_tcp().await;
    let memory = Socket::new(Stream::other(near), &SocketMetrics::default());
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    for (line, far) in
        [(&memory, &mut far as &mut (dyn tokio::io::AsyncWrite + Unpin)), (&tcp, &mut tcp_far)]
    {
        let mut parser = Decoder::default();
        let reading = async {
            loop {
                if let Some(message) = parser.next() {
                    break message;
                }
                assert!(poll_fn(|cx| line.poll_read(cx, &mut parser)).await);
            }
        };
        let (written, read) = tokio::join!(far.write_all(&hello), reading);
        written.expect("written");
        assert_eq!(read, Incoming::Text("Hello".to_owned()));
    }
}

#[tokio::test]
async fn a_sign_of_life_ends_the_silence() {
    let (line, mut far) = in_memory(64);
    assert_eq!((line.beat().quiet, line.beat().quiet), (1, 2));
    // An empty pong.
    far.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).await.expect("written");
    let mut parser = Decoder::default();
    poll_fn(|cx| line.poll_read(cx, &mut parser)).await;
    assert_eq!(line.beat().quiet, 1);
}

#[tokio::test]
async fn who_takes_nothing_of_what_waits_is_known_by_it_although_it_answers_pings() {
    let (line, mut far) = in_memory(64);
    let mut parser = Decoder::default();
    assert_eq!(line.beat().since_sent, 0, "nothing waits");
    line.write(&text(1, 1_000));
    for stalled in 1..=3 {
        far.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).await.expect("written");
        poll_fn(|cx| line.poll_read(cx, &mut parser)).await;
        assert_eq!(line.beat(), IdleBeats { quiet: 1, since_sent: stalled });
    }
    assert_eq!(line.backlog(), 1_004 - 64);
    far.read_exact(&mut [0; 32]).await.expect("some of it");
    // It took something: the count begins again.
    assert!(poll_fn(|cx| Poll::Ready(line.poll_drain(cx).is_pending())).await);
    assert_eq!(line.beat().since_sent, 1);
}

#[tokio::test]
async fn whoever_has_room_is_written_to_however_many_were_before_it_in_one_go() {
    let lines: Vec<_> = (0..500).map(|_| in_memory(64)).collect();
    for (line, _) in &lines {
        line.write(&text(1, 5));
    }
    assert!(lines.iter().all(|(line, _)| line.is_flushed()));
}

#[tokio::test(start_paused = true)]
async fn since_when_somebody_is_behind_is_asked_of_the_socket() {
    let began = Instant::now();
    let (line, mut far) = in_memory(64);
    assert_eq!(line.blocked_since(), None, "nothing waits");
    advance(Duration::from_secs(1)).await;
    line.write(&text(1, 1_000));
    let wrote = Instant::now();
    advance(Duration::from_secs(1)).await;
    line.write(&text(2, 1_000));
    assert_eq!(line.blocked_since(), Some(wrote), "more behind it is no progress");
    far.read_exact(&mut [0; 32]).await.expect("some of it");
    assert_eq!(line.blocked_since(), Some(Instant::now()), "although its task had no turn");
    let (near, _corked) = duplex(64);
    let corked = Socket::new(Stream::other(near), &SocketMetrics::default());
    corked.write(&text(1, 1_000));
    advance(Duration::from_secs(1)).await;
    assert_eq!(corked.blocked_since(), Some(began + Duration::from_secs(3)), "it waits for us");
}

#[tokio::test]
async fn what_waits_for_the_greeting_is_no_stall() {
    let (near, _far) = duplex(64);
    let line = Socket::new(Stream::other(near), &SocketMetrics::default());
    line.write(&text(1, 1_000));
    assert_eq!(line.beat().since_sent, 0);
    line.start_with(None);
    assert_eq!(line.beat().since_sent, 1);
}

#[tokio::test]
async fn one_long_run_of_frames_passes_to_who_has_read_all_before() {
    let (line, mut far) = in_memory(64);
    let run = encode::text(&vec![b'x'; SEND_AT_ONCE - 10]);
    line.write(&run);
    assert!(!line.is_cut());
    line.write(&text(2, 1));
    assert!(line.is_cut(), "with more behind it the limit is the lower one");
    drop(far);
    let (line, mut again) = in_memory(64);
    far = std::mem::replace(&mut again, duplex(1).0);
    line.write(&run);
    assert_eq!(read_all(&line, &mut far).await.len(), run.len());
}
