// The contracts between the scripts and the server: data attributes of pages, frames of the live protocol, and the
// records that several scripts share. Types only; nothing of this file is bundled.

// Pages

/** Data attributes that the server writes on `#app`, the frame of all pages of a signed-in user. */
interface AppData extends DOMStringMap {
  me: string;
  name: string;
  epoch: string;
  at: string;
  /** The count in the title. */
  unread: string;
  /** Set by the scripts: how the page is connected; absent while the WebSocket works. */
  line?: 'away' | 'polling';
}
type AppElement = HTMLElement & { dataset: AppData };

/** Data attributes of the main part that shows a room. */
interface RoomData extends DOMStringMap {
  room: string;
  created: string;
  rev: string;
  tail: string;
  lastRead: string;
  /** For a thread, the id of its head and the room of that. */
  thread?: string;
  parent?: string;
  /** What the ids in a thread beside a room begin with. */
  ids?: string;
}
type RoomElement = HTMLElement & { dataset: RoomData };

/** A message. One that isn't stored yet has no `seq`, `rev` and `id`. */
interface MessageData extends DOMStringMap {
  id: string;
  seq: string;
  rev: string;
  author: string;
}
type MessageElement = HTMLElement & { dataset: MessageData };

interface MemberData extends DOMStringMap {
  user: string;
  name: string;
  handle: string;
  sort: string;
}
type MemberElement = HTMLElement & { dataset: MemberData };

/** An option of an autocomplete list or of the quick switcher. */
interface OptionData extends DOMStringMap {
  name: string;
  command: string;
  path: string;
  also: string;
}
type OptionElement = HTMLElement & { dataset: OptionData };

/** Any form with a field named `body`: the composer and the edit forms. */
type BodyForm = HTMLFormElement & { elements: HTMLFormControlsCollection & { body: HTMLTextAreaElement } };
type TextField = HTMLInputElement | HTMLTextAreaElement;

// Frames of the live protocol (src/socket/frames.rs)

interface UserStatus {
  emoji: string;
  text: string;
  until: string | null;
}
interface FrameUser {
  id: number;
  name: string;
  display_name: string;
  status: UserStatus | null;
}
interface FrameRoom {
  id: number;
  name: string;
  topic: string;
  visibility: 'public' | 'private' | 'direct' | 'group' | 'thread';
  lobby: boolean;
  archived_at: string | null;
  favourite: boolean;
  last_seq: number;
  last_read_seq: number;
  unread: number;
  mentions: number;
  /** For a thread. */
  parent?: { room_id: number; message_id: number } | null;
}
type RoomState = Pick<FrameRoom, 'id' | 'last_seq' | 'last_read_seq' | 'unread' | 'mentions' | 'parent'>;

interface ReadyFrame {
  type: 'ready';
  room?: undefined;
  me: FrameUser;
  epoch: string;
  at: string;
  rooms: RoomState[];
}
interface PresentFrame {
  type: 'present';
  room?: undefined;
  users: number[];
}
interface PresenceFrame {
  type: 'presence';
  room?: undefined;
  user: number;
  online: boolean;
}
interface UserFrame {
  type: 'user';
  room?: undefined;
  user: FrameUser;
  initials: string;
  photo?: string;
  sort: string;
}
interface OpenedFrame {
  type: 'opened';
  room: number;
  rev: number;
  last_seq: number;
}
interface LiveFrame {
  type: 'live';
  room: number;
  rev: number;
}
interface MessageFrame {
  type: 'message';
  room: number;
  rev: number;
  html: string;
}
interface HeadFrame {
  type: 'head';
  room: number;
  html: string;
}
interface PostedFrame {
  type: 'posted';
  room: number;
  nonce: string;
  seq: number;
  rev: number;
  not_in_room: FrameUser[];
}
interface UnreadFrame {
  type: 'unread';
  room: number;
  last_seq: number;
  unread?: number;
  mentions: number;
}
interface ReadFrame {
  type: 'read';
  room: number;
  seq: number;
  unread: number;
  mentions: number;
  /** The user moved it back. */
  back?: boolean;
}
interface DraftFrame {
  type: 'draft';
  room: number;
  /** Null if it is too long for a frame. */
  body: string | null;
  nonce: string | null;
  reply_to: number | null;
  updated_at: string | null;
}
interface SavedFrame {
  type: 'saved';
  room?: undefined;
  message: number;
  saved: boolean;
}
interface RoomFrame {
  type: 'room';
  room: FrameRoom;
  html: string;
}
interface ClosedFrame {
  type: 'closed';
  room: number;
  reason: string;
}
interface MemberFrame {
  type: 'member';
  room: number;
  user: FrameUser;
  joined: boolean;
  html?: string;
}
interface EmojiFrame {
  type: 'emoji';
  room?: undefined;
}
interface TypingFrame {
  type: 'typing';
  room: number;
  user: FrameUser;
}
interface ResyncFrame {
  type: 'resync';
  room?: number;
  reset?: boolean;
}
interface ErrorFrame {
  type: 'error';
  room?: number;
  status: number;
  detail: string;
  nonce?: string;
  retry_after?: number;
}
interface PongFrame {
  type: 'pong';
  room?: undefined;
}

/** What the server sends, over the WebSocket and as answers to polling. */
type ServerFrame =
  | ReadyFrame
  | PresentFrame
  | PresenceFrame
  | UserFrame
  | OpenedFrame
  | LiveFrame
  | MessageFrame
  | HeadFrame
  | PostedFrame
  | UnreadFrame
  | ReadFrame
  | DraftFrame
  | SavedFrame
  | RoomFrame
  | ClosedFrame
  | MemberFrame
  | TypingFrame
  | EmojiFrame
  | ResyncFrame
  | ErrorFrame
  | PongFrame;

/** One handler for each type of frame that a part of the page takes. */
type FrameHandlers = { [T in ServerFrame['type']]?: (frame: Extract<ServerFrame, { type: T }>) => void };

/** What the page sends. */
type ClientFrame =
  | { type: 'open'; room: number; since_rev: number; since_id?: number }
  | { type: 'close'; room: number }
  | { type: 'read'; room: number; seq: number }
  | { type: 'typing'; room: number }
  | {
      type: 'post';
      room: number;
      room_created?: string;
      author: number;
      body: string;
      nonce: string;
      reply_to?: number;
      files?: string[];
    }
  | { type: 'ping' };

/** Sends a frame; false while there is no WebSocket. */
type SendFrame = (frame: ClientFrame) => boolean;

// Records that several scripts share

/** A message in the outbox. `created` is when its room was made; `failed` says why the server will never take it. */
interface OutboxEntry {
  nonce: string;
  room: number;
  /** Of the room, to tell after a restore whether its id still means the same room. */
  name?: string;
  created?: string;
  epoch?: string;
  body: string;
  reply_to?: number;
  /** A reply in a thread of which the room gets a copy. */
  also?: boolean;
  files?: SentFile[];
  /** The tab that sends it. */
  tab: string;
  /** Milliseconds; grows from entry to entry. */
  at: number;
  failed?: string;
}
type OutboxText = Omit<OutboxEntry, 'tab' | 'at' | 'failed' | 'nonce'>;

/** A file that the server has. */
interface SentFile {
  id: string;
  name: string;
  size: number;
}

/** A file in the tray of a composer. Without `isDone`, the part of it that has arrived is at `url`. */
interface TrayFile {
  key: string;
  name: string;
  size: number;
  type: string;
  modified: number;
  alt: string;
  url: string;
  isDone: boolean;
}
/** The files of one composer in one tab. */
interface TrayRecord {
  files: TrayFile[];
  at: number;
}

/** A draft or an open edit. */
interface DraftRecord {
  text: string;
  nonce?: string;
  reply_to?: number;
  at: number;
  /** The epoch of the server that has this very text, and whether it came from there. */
  stored?: string;
  isTaken?: boolean;
}
/** A list of the sidebar that the user has opened or shut. */
interface FoldRecord {
  isOpen: boolean;
}
/** What was chosen in the emoji picker: the last emoji, newest first, and the skin tone (0 to 5). */
interface EmojiRecord {
  recent: string[];
  tone: number;
}
interface StoredRecords {
  emoji: EmojiRecord;
  draft: DraftRecord;
  edit: DraftRecord;
  fold: FoldRecord;
  outbox: OutboxEntry;
  tray: TrayRecord;
  /** The last searches, newest first; its id is empty. */
  searches: string[];
}
type RecordKind = keyof StoredRecords;

/** What became of a message posted over HTTP: stored, to be tried again after `wait` seconds, or refused for good. */
type PostResult =
  | { stored: true; wait?: undefined; why?: undefined; status?: undefined }
  | { stored?: undefined; wait: number; why?: undefined; status?: undefined }
  | { stored?: undefined; wait?: undefined; why: string; status: number };

/** Where the user is going and isn't yet. `room` is 0 where it isn't known; a slash command has no address. */
interface PendingNavigation {
  room: number;
  address?: string;
}

/** What was typed during a navigation: `sent` was submitted, `rest` was not. */
interface TypedAhead {
  sent: string[];
  rest: string;
  hasFocus: boolean;
}

/** The message at the top of the log and its distance from the edge, for a reader who has scrolled up. */
interface ScrollPosition {
  id: string;
  seq: number;
  offset: number;
}

/** The fields of a request that asks for frames over HTTP. */
interface PollQuery {
  since: string;
  room?: number;
  since_rev?: number;
  since_id?: string;
  read?: number;
}

/** Sentences for Intl.PluralRules; `{n}` stands for the number. */
interface PluralForms {
  one?: string;
  other?: string;
}

// What the library types don't have yet

interface HtmlPolicy {
  createHTML: (html: string) => string;
  createScript: (text: string) => string;
}
interface Window {
  /** createHTML returns a TrustedHTML, which innerHTML takes as if it were a string. */
  trustedTypes?: {
    createPolicy(name: string, rules: HtmlPolicy): HtmlPolicy;
  };
}
interface String {
  toWellFormed?(): string;
}
