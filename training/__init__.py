"""How the bundled model "vistas" is drawn, trained, judged and exported. Never needed to build or
run codesrc.
"""

import os

# The stages run one process a core; a second thread in each would only wait for the others.
os.environ.setdefault('OMP_NUM_THREADS', '1')
