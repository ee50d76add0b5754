# For a tap. It builds from source, so that nothing has to be signed or notarized. A release adds `url` and `sha256` of its own
# source (`packaging/release.sh`); this one installs the newest commit: `brew install --HEAD`.
class Lockwatch < Formula
  desc "Shows who holds Cargo's file locks, who waits, and whether the holder works"
  homepage "https://github.com/example/lockwatch"
  license any_of: ["MIT", "Apache-2.0"]
  head "https://github.com/example/lockwatch.git", branch: "main"

  depends_on "rust" => :build

  on_macos do
    depends_on macos: :sonoma
  end

  def install
    ENV["MACOSX_DEPLOYMENT_TARGET"] = "14.0" if OS.mac?
    system "cargo", "install", *std_cargo_args(path: "daemon")
    system "cargo", "install", *std_cargo_args(path: "tray")
    generate_completions_from_executable(bin/"lockwatch", "completions", shells: [:bash, :zsh, :fish])
    system "cargo", "xtask", "man", "--out", buildpath/"man"
    man1.install Dir["man/*.1"]
    man1.install "packaging/app/lockwatch-tray.1"
    doc.install "daemon/protocol.md"
    pkgshare.install "packaging/config.example.toml"
  end

  def caveats
    <<~EOS
      The daemon is started at login by
        brew services start lockwatch
      and the icon in the menu bar or the tray by
        lockwatch service install --tray
    EOS
  end

  service do
    run [opt_bin/"lockwatch", "daemon", "--wait"]
    keep_alive crashed: true
    process_type :standard
    throttle_interval 10
    log_path var/"log/lockwatch.log"
    error_log_path var/"log/lockwatch.log"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/lockwatch --version")
    ENV["LOCKWATCH_HOME"] = testpath/"home"
    mkdir testpath/"home", mode: 0700
    state = JSON.parse(shell_output("#{bin}/lockwatch status --json"))
    assert_equal 1, state["schema_version"]
    assert_match "Shows in the menu bar", shell_output("#{bin}/lockwatch-tray --help")
  end
end
