# gnuplot auc-odd_set-test.gp draws auc-odd_set-test.svg, auc-odd_set-test.pdf and auc-odd_set-test.png in the current folder
reset session
set encoding utf8
$auc_0 << END
0.591143 0.0875 0.579143 0.601943
0.614719 0.3225 0.437942 0.773818
0.567568 0.4975 0.317568 0.792568
END
do for [format in "svg pdf png"] {
if (format eq "svg") { set terminal svg noenhanced size 461,160 font "sans-serif,10.7" linewidth 1 background rgb "white" }
if (format eq "pdf") { set terminal pdfcairo noenhanced size 4.800in,1.670in font "sans-serif,8" fontscale 0.77 linewidth 1.4 background rgb "white" }
if (format eq "png") { set terminal pngcairo noenhanced size 1037,361 font "sans-serif,8" fontscale 2.250 linewidth 2.5 pointscale 2.5 background rgb "white" }
set output "auc-odd_set-test.".format
unset label
unset arrow
set border 3 lw 0.6 lc rgb '#404040'
set tics nomirror scale 0.5 tc rgb '#202020'
set lmargin at screen 0.5208
set rmargin at screen 0.9750
set tmargin at screen 0.7365
set bmargin at screen 0.2515
set xrange [0.3:1]
set yrange [0.8100:0]
set xtics 0.1 format "%.1f" offset 0,0.4
set border 1
set xlabel "AUC" offset 0,0.9
set grid x lc rgb '#d8d8d8' lw 0.5 dt 1
set ytics scale 0 ("mean of the classes" 0.0875, "Pleural_Effusion, \"left\" 50%% ... (7)" 0.3225, "Épaississement {pleural} #1 (3)" 0.4975, "Fracture (0)" 0.6725)
set arrow from 0.5, graph 0 to 0.5, graph 1 nohead lw 0.8 lc rgb '#404040' front
set arrow from graph 0, first 0.2050 to graph 1, first 0.2050 nohead lw 0.5 lc rgb '#909090'
set label "NA" at 0.51, 0.6725 left font ",6" tc rgb '#606060'
set label "odd_set, test: 40 images (a subset)" at screen 0.0167, screen 0.9162 left tc rgb '#404040'
set key at screen 0.0167, screen 0.8683 left top Left reverse samplen 1.5 maxcols 1
set style fill solid 1 noborder
plot $auc_0 using 1:2:($1 < 0.5 ? $1 : 0.5):($1 < 0.5 ? 0.5 : $1):($2 - 0.0357):($2 + 0.0357) with boxxyerror lc rgb '#0072B2' title "clip-tiny / clip-posneg", $auc_0 using 1:2:3:4 with xerrorbars lc rgb '#202020' lw 0.8 pt 7 ps 0.15 notitle
unset output
}
